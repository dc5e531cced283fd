/** Notification channels that were set up over the API. Part of the port; see port.ts for its general rules. */

/** A channel that nothing goes to, because its receiver said that it is gone. */
export interface ChannelOff {
  /** Null = a channel of all tenants. */
  tenant: string | null;
  name: string;
  /** Says where it led then, without telling it. */
  target: string;
  at: number;
  reason: string;
}

/** What became of the messages to a channel. */
export interface ChannelDelivery {
  channel: string;
  /** The newest message that was tried; null = none was yet. `deliveredAt` null: it has not arrived. */
  last: { createdAt: number; deliveredAt: number | null; error: string | null; tries: number } | null;
  /** Messages that were tried, have not arrived, and are tried again. */
  waiting: number;
  /** Messages that were tried to the end and have not arrived. */
  givenUp: number;
}

export interface ChannelStore {
  /** Of all tenants. */
  all(): Promise<{ tenant: string; name: string; body: Record<string, unknown> }[]>;
  save(tenant: string, name: string, body: Record<string, unknown>, now: number): Promise<void>;
  remove(tenant: string, name: string): Promise<boolean>;
  /** In order of tenant and name. */
  off(): Promise<ChannelOff[]>;
  /** False = it was off already, and stays as it is. */
  switchOff(off: ChannelOff): Promise<boolean>;
  /** False = it was not off. */
  switchOn(tenant: string | null, name: string): Promise<boolean>;
  /** Of these channels, in this order; costs by what has not arrived. */
  deliveries(tenant: string, channels: readonly string[]): Promise<ChannelDelivery[]>;
}
