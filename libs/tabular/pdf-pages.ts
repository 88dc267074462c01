import { pageOf, type Typeface } from './pdf-text.js';

export interface PageNumbers {
  /** Writes "Page 3 of" with the count behind it, which is only known at the end. */
  at(page: number, right: number, y: number): void;
  end(count: number): void;
}

const room = 36;

/**
 * The count of the pages is one small drawing (a form XObject, ISO 32000-1, 8.10) that every page refers to and that is
 * written last: no page has to wait in memory for it.
 */
export function pageNumbers(document: PDFKit.PDFDocument, face: Typeface, size: number): PageNumbers {
  const count = document.ref({
    Type: 'XObject',
    Subtype: 'Form',
    BBox: [0, -size, room, size],
  }) as unknown as { data: Record<string, unknown>; end(content: string): void };
  return {
    at(page, right, y) {
      const before = `Page ${page} of `;
      const left = right - room;
      face.write(before, left - face.widthOf(before, size), y, size);
      const current = pageOf(document);
      current.xobjects['PageCount'] = count;
      // The document draws from the top down: the drawing is turned back.
      current.write(
        `q 1 0 0 -1 0 ${current.height} cm 1 0 0 1 ${left.toFixed(2)} ${(current.height - y - ascent * size).toFixed(2)} cm /PageCount Do Q`,
      );
    },
    end(pages) {
      count.data['Resources'] = { Font: face.resources };
      count.end(face.content(String(pages), 0, 0, size));
    },
  };
}

/** How far the baseline of Noto Sans lies under the top of its line. */
const ascent = 1.069;
