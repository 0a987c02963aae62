// How full each limit was, over time. The canvas is redrawn once an update; its text says the same.

import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { LINES, series, type Series } from './model.ts';

const HEIGHT = 280;
const TIME = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
/** Dashes tell the lines apart where colours do not. */
const DASHES: readonly (number[] | null)[] = [null, [8, 4], [2, 3], [12, 3, 2, 3]];
const DARK = matchMedia('(prefers-color-scheme: dark)');

export function Chart() {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  useEffect(() => {
    const { current } = box;
    if (current === null) return undefined;
    const make = (): void => {
      chart.current?.destroy();
      chart.current = new uPlot(optionsFor(current), series.peek(), current);
    };
    const resize = new ResizeObserver(() => {
      chart.current?.setSize({ width: current.clientWidth, height: HEIGHT });
    });
    make();
    resize.observe(current);
    DARK.addEventListener('change', make);
    return () => {
      resize.disconnect();
      DARK.removeEventListener('change', make);
      chart.current?.destroy();
    };
  }, []);
  const data = series.value;
  useEffect(() => {
    chart.current?.setData(data);
  }, [data]);
  return (
    <section aria-labelledby="saturation">
      <h2 id="saturation">Saturation</h2>
      <ul class="legend">
        {LINES.map((name, at) => (
          <li key={name}>
            <span class={`swatch line${at}`} /> {name} {lastOf(data, at)} %
          </li>
        ))}
      </ul>
      <div ref={box} class="chart" role="img" aria-label={textOf(data)} />
    </section>
  );
}

function lastOf(data: Series, at: number): number {
  return data[at + 1]?.at(-1) ?? 0;
}

function textOf(data: Series): string {
  const parts = LINES.map((name, at) => `${name} ${lastOf(data, at)} percent`);
  return `Share of each limit that is used, over time. Now: ${parts.join(', ')}.`;
}

function optionsFor(box: HTMLElement): uPlot.Options {
  const style = getComputedStyle(box);
  const colour = (name: string): string => style.getPropertyValue(name);
  const axis = {
    stroke: colour('--text'),
    grid: { stroke: colour('--rule'), width: 1 },
    ticks: { stroke: colour('--rule'), width: 1 },
  };
  return {
    width: box.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_chart, _min, max) => [0, Math.max(100, max)] } },
    axes: [
      { ...axis, values: (_chart, values) => values.map((value) => TIME.format(value * 1000)) },
      { ...axis, values: (_chart, values) => values.map((value) => `${value} %`) },
    ],
    series: [
      {},
      ...LINES.map((label, at) => {
        const dash = DASHES[at] ?? null;
        return {
          label,
          stroke: colour(`--line${at}`),
          width: 2,
          points: { show: false },
          ...(dash !== null && { dash }),
        };
      }),
    ],
  };
}
