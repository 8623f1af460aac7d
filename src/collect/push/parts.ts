// Where the samples, histograms and exemplars of one series lie in a message: they are read once its labels are. In memory
// that is used again, since it is done for each series of each message.

export class SeriesParts {
  count = 0;
  /** Of them. */
  exemplars = 0;
  /** Samples of the request when this series began. */
  before = 0;
  fields = new Uint8Array(16);
  starts = new Int32Array(16);
  ends = new Int32Array(16);

  clear(before: number): void {
    this.count = 0;
    this.exemplars = 0;
    this.before = before;
  }

  push(field: number, start: number, end: number, isExemplar: boolean): void {
    if (this.count === this.fields.length) this.#grow();
    const at = this.count++;
    this.fields[at] = field;
    this.starts[at] = start;
    this.ends[at] = end;
    if (isExemplar) this.exemplars++;
  }

  #grow(): void {
    const capacity = 2 * this.fields.length;
    const [fields, starts, ends] = [this.fields, this.starts, this.ends];
    this.fields = new Uint8Array(capacity);
    this.starts = new Int32Array(capacity);
    this.ends = new Int32Array(capacity);
    this.fields.set(fields);
    this.starts.set(starts);
    this.ends.set(ends);
  }
}
