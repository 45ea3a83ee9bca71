import { Transform, type TransformCallback } from "node:stream";

import { renderLayout, type PageOptions } from "../../runtime/gateway/page/layout.ts";
import { PageComposer } from "../../runtime/gateway/page/pageComposer.ts";

/** The composer as a stream: bytes of a page in, those of the completed one out. */
export function composePage(options: PageOptions): Transform {
  const composer = new PageComposer(renderLayout(options));
  return new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
      composer.write(chunk, (part) => this.push(part));
      done();
    },
    flush(done: TransformCallback): void {
      composer.end((part) => this.push(part));
      done();
    },
  });
}
