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
}
