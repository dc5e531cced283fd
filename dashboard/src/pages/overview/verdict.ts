/** The server's account of itself: its first sentence is the heading, without the word that the mark above it says. */
export function verdictOf(text: string): { first: string; rest: string } {
  const said = text.replace(/^(Healthy|Warning|Critical): /, "");
  const end = said.indexOf(". ");
  const first = (end < 0 ? said : said.slice(0, end)).replace(/\.$/, "");
  return { first: first.charAt(0).toUpperCase() + first.slice(1), rest: end < 0 ? "" : said.slice(end + 2) };
}
