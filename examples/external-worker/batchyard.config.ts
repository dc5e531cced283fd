/**
 * An operation that a program in another language does. Start both:
 *
 *   BATCHYARD_TOKEN=choose-at-least-16-characters npx batchyard serve
 *   BATCHYARD_TOKEN=choose-at-least-16-characters python3 worker.py
 */
import { defineConfig, defineOperation } from "batchyard";

export default defineConfig({
  operations: [defineOperation({ name: "count-words", description: "Counts the words of `text`", external: true })],
});
