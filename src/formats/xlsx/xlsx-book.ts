import { posix } from "node:path";
import { BatchyardError } from "../../model/errors.ts";
import { isDateFormat, unescapeText } from "./xlsx-cell.ts";
import { unreadable } from "./xlsx-package.ts";
import type { XlsxPackage, XmlHandler } from "./xlsx-package.ts";

/** What has to be known before a sheet can be read. */
export interface XlsxBook {
  /** Parts of the sheets to read, in order. */
  sheets: string[];
  date1904: boolean;
  /** Whether cells of style n are dates. */
  dateStyles: boolean[];
  strings: string[];
}

const MAX_SMALL_PART = 64 * 1024 * 1024;
const MAX_STRINGS_PART = 1024 * 1024 * 1024;
/** Shared strings are the one thing kept in memory; UTF-16 units. */
const MAX_STRINGS_LENGTH = 256 * 1024 * 1024;

export async function readBook(parts: XlsxPackage): Promise<XlsxBook> {
  const main =
    (await relations(parts, "_rels/.rels", "")).find((relation) => relation.type === "officeDocument")?.target ?? "xl/workbook.xml";
  const folder = posix.dirname(main);
  const named = await relations(parts, `${folder}/_rels/${posix.basename(main)}.rels`, folder);
  const sheets: { name: string; relation: string; hidden: boolean }[] = [];
  let date1904 = false;
  await parse(parts, main, {
    open(name, attributes) {
      if (name === "workbookPr") date1904 = attributes["date1904"] === "1" || attributes["date1904"] === "true";
      if (name !== "sheet") return;
      const relation = Object.entries(attributes).find(([key]) => key === "id" || key.endsWith(":id"))?.[1] ?? "";
      sheets.push({
        name: attributes["name"] ?? "",
        relation,
        hidden: attributes["state"] !== undefined && attributes["state"] !== "visible",
      });
    },
  });
  const first = sheets.find((sheet) => !sheet.hidden) ?? sheets[0];
  if (first === undefined) throw unreadable("it has no worksheet");
  const read = sheets.filter((sheet) => sheet === first || continues(sheet.name, first.name));
  const targets = new Map(named.map((relation) => [relation.id, relation.target]));
  const part = (type: string): string | null => {
    const target = named.find((relation) => relation.type === type)?.target;
    return target !== undefined && parts.has(target) ? target : null;
  };
  const styles = part("styles");
  const strings = part("sharedStrings");
  return {
    sheets: read.map((sheet) => targets.get(sheet.relation) ?? unknownSheet(sheet.name)),
    date1904,
    dateStyles: styles === null ? [] : await readStyles(parts, styles),
    strings: strings === null ? [] : await readStrings(parts, strings),
  };
}

/** A table with more rows than one sheet holds goes on in "Rows 2", "Rows 3": the names our writer gives. */
function continues(name: string, first: string): boolean {
  return name.startsWith(`${first} `) && /^ \d+$/.test(name.slice(first.length));
}

function unknownSheet(name: string): never {
  throw unreadable(`its worksheet '${name.slice(0, 40)}' is missing`);
}

async function parse(parts: XlsxPackage, part: string, handler: XmlHandler, maxBytes = MAX_SMALL_PART): Promise<void> {
  const reading = parts.parse(part, handler, maxBytes);
  while ((await reading.next()).done !== true);
}

async function relations(parts: XlsxPackage, part: string, folder: string): Promise<{ id: string; type: string; target: string }[]> {
  const found: { id: string; type: string; target: string }[] = [];
  if (!parts.has(part)) return found;
  await parse(parts, part, {
    open(name, { Id, Type, Target }) {
      if (name !== "Relationship" || Target === undefined) return;
      const target = Target.startsWith("/") ? Target.slice(1) : posix.join(folder, Target);
      found.push({ id: Id ?? "", type: (Type ?? "").replace(/^.*\//, ""), target });
    },
  });
  return found;
}

async function readStyles(parts: XlsxPackage, part: string): Promise<boolean[]> {
  const codes = new Map<number, string>();
  const dates: boolean[] = [];
  let inCells = false;
  await parse(parts, part, {
    open(name, attributes) {
      if (name === "numFmt") codes.set(Number(attributes["numFmtId"]), attributes["formatCode"] ?? "");
      else if (name === "cellXfs") inCells = true;
      else if (name === "xf" && inCells) {
        const id = Number(attributes["numFmtId"] ?? 0);
        dates.push(isDateFormat(id, codes.get(id)));
      }
    },
    close(name) {
      if (name === "cellXfs") inCells = false;
    },
  });
  return dates;
}

async function readStrings(parts: XlsxPackage, part: string): Promise<string[]> {
  const strings: string[] = [];
  let length = 0;
  let text = "";
  let inText = false;
  let phonetic = 0;
  await parse(
    parts,
    part,
    {
      open(name) {
        if (name === "si") text = "";
        else if (name === "rPh") phonetic += 1;
        else if (name === "t") inText = phonetic === 0;
      },
      text(piece) {
        if (inText) text += piece;
      },
      close(name) {
        if (name === "t") inText = false;
        else if (name === "rPh") phonetic -= 1;
        else if (name === "si") {
          length += text.length;
          if (length > MAX_STRINGS_LENGTH) throw new BatchyardError("unpacked_too_large", { limit: MAX_STRINGS_LENGTH });
          strings.push(unescapeText(text));
        }
      },
    },
    MAX_STRINGS_PART,
  );
  return strings;
}
