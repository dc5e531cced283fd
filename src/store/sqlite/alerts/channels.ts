import type { ChannelDelivery, ChannelOff, ChannelStore } from "../../channels.ts";
import type { Database } from "../database/database.ts";

/** In the column of the tenant: a name that no tenant has. */
const ALL_TENANTS = "";

export class SqliteChannels implements ChannelStore {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  async all(): Promise<{ tenant: string; name: string; body: Record<string, unknown> }[]> {
    return this.db
      .all<{ tenant: string; name: string; body: string }>("SELECT tenant, name, body FROM alert_channels ORDER BY tenant, name")
      .map(({ tenant, name, body }) => ({ tenant, name, body: JSON.parse(body) as Record<string, unknown> }));
  }

  async save(tenant: string, name: string, body: Record<string, unknown>, now: number): Promise<void> {
    this.db.run(
      "INSERT INTO alert_channels (tenant, name, body, updated_at) VALUES (?, ?, ?, ?) ON CONFLICT (tenant, name) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at",
      tenant,
      name,
      JSON.stringify(body),
      now,
    );
  }

  async remove(tenant: string, name: string): Promise<boolean> {
    return this.db.run("DELETE FROM alert_channels WHERE tenant = ? AND name = ?", tenant, name) > 0;
  }

  async off(): Promise<ChannelOff[]> {
    return this.db
      .all<ChannelOff & { tenant: string }>("SELECT tenant, name, target, at, reason FROM channels_off ORDER BY tenant, name")
      .map((row) => ({ ...row, tenant: row.tenant === ALL_TENANTS ? null : row.tenant }));
  }

  async switchOff({ tenant, name, target, at, reason }: ChannelOff): Promise<boolean> {
    return (
      this.db.run(
        "INSERT INTO channels_off (tenant, name, target, at, reason) VALUES (?, ?, ?, ?, ?) ON CONFLICT (tenant, name) DO NOTHING",
        tenant ?? ALL_TENANTS,
        name,
        target,
        at,
        reason,
      ) > 0
    );
  }

  async switchOn(tenant: string | null, name: string): Promise<boolean> {
    return this.db.run("DELETE FROM channels_off WHERE tenant = ? AND name = ?", tenant ?? ALL_TENANTS, name) > 0;
  }

  async deliveries(tenant: string, channels: readonly string[]): Promise<ChannelDelivery[]> {
    return channels.map((channel) => {
      const last = this.db.get<NonNullable<ChannelDelivery["last"]>>(
        `SELECT created_at AS createdAt, delivered_at AS deliveredAt, last_error AS error, tries FROM outbox INDEXED BY outbox_channel
         WHERE tenant = ? AND channel = ? AND tries > 0 ORDER BY id DESC LIMIT 1`,
        tenant,
        channel,
      );
      const open = this.db.get<{ waiting: number; givenUp: number }>(
        `SELECT COUNT(next_at) AS waiting, COUNT(*) - COUNT(next_at) AS givenUp FROM outbox INDEXED BY outbox_undelivered
         WHERE tenant = ? AND channel = ? AND delivered_at IS NULL AND tries > 0`,
        tenant,
        channel,
      )!;
      return { channel, last: last ?? null, ...open };
    });
  }
}
