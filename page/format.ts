// Numbers as they are read. Pure.

const COUNT = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export function count(value: number): string {
  return COUNT.format(value).replaceAll(',', ' ');
}

/** 0.25 s, 42 s, 5 min, 2 h 07, 3 d 4 h. */
export function duration(seconds: number): string {
  if (seconds === 0) return '0 s';
  if (seconds < 10) return `${seconds.toFixed(seconds < 1 ? 2 : 1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${String(minutes % 60).padStart(2, '0')}`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  if (value < 1024 ** 2) return `${(value / 1024).toFixed(0)} KiB`;
  if (value < 1024 ** 3) return `${(value / 1024 ** 2).toFixed(1)} MiB`;
  return `${(value / 1024 ** 3).toFixed(1)} GiB`;
}
