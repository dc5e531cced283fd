/** What moves from run to run is masked: figures, times, ids, courses; columns are the matter of src/tui/frame.test.ts. */
export function masked(screen: string): string {
  return (
    screen
      .replaceAll(/^ *\d\d:\d\d:\d\d [a-z]+\.[a-z]+ .*?(?=│|$)/gm, "  ")
      .replaceAll(/^and \d+ more\n/gm, "")
      .replaceAll(/(6 Events +)[a-z]+\.[a-z]+/g, "$1event")
      .replaceAll(/local:\S*/g, "local")
      .replaceAll(/(\d+ live), .*$/gm, "$1")
      .replaceAll(/[○●] (idle|busy)/g, "○ idle")
      .replaceAll(/\b(Memory|Cache|Store|Workers {5}) .*$/gm, "$1")
      .replaceAll(/ {4}\d+ % hits.*$/gm, "  hits")
      .replaceAll(/^[▁▂▃▄▅▆▇█ ]+$/gm, "▁")
      .replaceAll(/[▁▂▃▄▅▆▇█]+|[■·]{3,}/g, "▁")
      // An id stands behind the mark of its state; one in twenty has no digit.
      .replaceAll(/(?<=‖ )[a-z0-9]{9}\b/g, "ididididi")
      .replaceAll(/\b[a-z0-9]{9}\b(?= )/g, (word) => (/\d/.test(word) ? "ididididi" : word))
      .replaceAll(/—|\b(\d+(\.\d+)?(ms|s|[mhd]\d\d[smh])|\d[\d.,]*[kM]?)\b/g, "0")
      .replaceAll(/[ ─━]{2,}/g, "  ")
      .replaceAll(/(Healthy|Warning|Critical): .*?(?= {2})/g, "Healthy")
      .replaceAll(/(^in all .*\n)(.+\n)+/gm, "$1")
      .split("\n")
      .map((line) => line.trimEnd())
      .join("\n")
  );
}
