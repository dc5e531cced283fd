import { useSyncExternalStore, type ReactElement } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { standingQuery } from "../../data/queries.ts";
import type { Overview } from "../../data/wire.ts";
import { duration } from "../../figures/duration.ts";
import { compact, count, rate } from "../../figures/number.ts";
import { throughput } from "../../live/throughput.ts";
import { Change, type Figure, FigureRow } from "../../parts/figure-row.tsx";
import { Section } from "../../parts/section.tsx";
import { Spark } from "../../parts/spark.tsx";

type Tile = Overview["tiles"][number];

/** The key figures of the last quarter of an hour, each with its course and against yesterday. */
export function Tiles({ overview }: { overview: Overview }): ReactElement {
  const speed = useSyncExternalStore(throughput.subscribe, throughput.get);
  const { data: standing } = useQuery(standingQuery);
  const alerts: Figure[] =
    standing === undefined
      ? []
      : [
          {
            label: "Alerts firing",
            value: count(standing.firing),
            below: (
              <Link to="/alerts" className="link">
                {standing.critical > 0 ? `${count(standing.critical)} critical` : standing.firing > 0 ? "look" : "none"}
              </Link>
            ),
          },
        ];
  const tiles = overview.tiles.map((tile): Figure => ({
    label: labelOf(tile.name),
    value: tile.value === null ? "—" : written(tile, tile.value),
    ...(tile.value === null ? {} : { title: String(tile.value) }),
    below: (
      <span className="flex flex-col gap-1.5">
        <Spark values={tile.sparkline} />
        {tile.name === "items_done" && speed !== null && speed.itemsPerSecond > 0 ? (
          <span className="figure">{rate(speed.itemsPerSecond)} a second now</span>
        ) : tile.change_percent === null ? (
          <span>nothing yesterday</span>
        ) : (
          <Change percent={tile.change_percent} trend={trendOf(tile.change_percent)} goodWhen={goodWhen(tile)} />
        )}
      </span>
    ),
  }));
  return (
    <Section title="Last 15 minutes" aside="against the same time yesterday">
      <FigureRow label="Last 15 minutes" figures={[...tiles, ...alerts]} />
    </Section>
  );
}

function written(tile: Tile, value: number): string {
  switch (tile.unit) {
    case "per_minute":
      return value < 10_000 ? `${rate(value)}/min` : `${compact(value)}/min`;
    case "percent":
      return `${value.toFixed(value === 0 || value === 100 ? 0 : 1)} %`;
    case "seconds":
      return duration(value * 1000);
    case "batches":
      return count(value);
  }
}

/** `wait_p95` → "Wait, p95" */
function labelOf(name: string): string {
  const words = name.replaceAll("_", " ").replace(/ p(\d+)$/, ", p$1");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function trendOf(percent: number): "up" | "down" | "flat" {
  return percent > 0 ? "up" : percent < 0 ? "down" : "flat";
}

function goodWhen(tile: Tile): "up" | "down" | "either" {
  if (tile.unit === "seconds" || /fail|error/.test(tile.name)) return "down";
  return tile.unit === "percent" ? "up" : "either";
}
