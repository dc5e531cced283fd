/** A message on its way to people. */
export interface Notice {
  /** The same for every try: receivers drop repetitions by it. */
  id: string;
  subject: string;
  /** JSON text. */
  body: string;
  /** Receivers of the channel who got it with an earlier try. */
  reached?: readonly string[];
}

/** A channel delivers or throws; whoever calls it tries again later. */
export interface Notifier {
  send(notice: Notice): Promise<void>;
}
