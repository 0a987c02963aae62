// Times as Go's time.Time reads them from JSON. Promise: the same texts are times, whatever they mean.
// Facts from Go 1.20 on: time/time.go UnmarshalJSON, time/format_rfc3339.go parseStrictRFC3339.

const RFC3339 = /^"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:Z|[+-](\d\d):(\d\d))"$/;

/** Whether the JSON value `source`, as it was written, is a time. Escapes in it are not read. */
export function isGoTime(source: string): boolean {
  const found = RFC3339.exec(source);
  if (found === null) return false;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, ...zone] = found
    .slice(1)
    .map((digits) => Number(digits ?? 0));
  const [zoneHour = 0, zoneMinute = 0] = zone;
  return (
    day >= 1 &&
    day <= daysIn(year, month) &&
    hour < 24 &&
    minute < 60 &&
    second < 60 &&
    zoneHour < 24 &&
    zoneMinute < 60
  );
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [0, 31, 0, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month] ?? 0;
}
