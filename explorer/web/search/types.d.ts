// What the page Search hears from the server, and what its modules hand to each other.

import type { Catalogue, Jobs, Notice, Unit } from "../types.d.ts";

/** Copies and other pairs of one model under one distortion; arrays as base64 of their bytes. */
export interface RawRun {
  model: string;
  /** Its place among the distortions of the comparison. */
  distortion: number;
  /** How many pictures there are, each with one copy. */
  pictures: number;
  /** Distances of the copies, rising: float64. */
  positives: string;
  /** Whose copies they are: int32. */
  order: string;
  /** Other pairs that are as near or nearer: int32, one number for each copy. */
  friends: string;
  /** Distances of the nearest other pairs, rising: float64; the original of one picture and the copy of another. */
  negatives: string;
  left: string;
  right: string;
  /** Other pairs in all. */
  total: number;
  average_precision: number;
  /** Whether distances are numbers of bits. */
  bits: boolean;
  /** Histograms from 0 to `high`. */
  bins: { high: number; copies: number[]; others: number[] };
}
export interface PairRun extends Omit<RawRun, "positives" | "order" | "friends" | "negatives" | "left" | "right"> {
  positives: Float64Array;
  order: Int32Array;
  friends: Int32Array;
  negatives: Float64Array;
  left: Int32Array;
  right: Int32Array;
  rank: Int32Array;
}
export interface FoundPairs {
  copies: number;
  friends: number;
  pairs: number;
  known: boolean;
  precision: number;
  recall: number;
}
/** The original of one picture, and a copy: its own, or that of another picture. */
export interface Pair {
  copy: boolean;
  left: number;
  right: number;
  /** Its distance in words. */
  text: string;
}
export interface Apart {
  copies: number;
  friends: number;
  pairs: Pair[];
}
export interface Share {
  value: number;
  low: number;
  high: number;
}
export interface Bootstrap {
  pictures: number;
  weights: Uint8Array[];
}

/** A model, or a measure that was never trained. */
export interface Embedder {
  name: string;
  title: string;
  method: string;
  learned: boolean;
}
/** What was chosen to search in. */
export interface Collection {
  run: string;
  pictures: number;
  title: string;
  names: string[];
  models: Embedder[];
  notes: string[];
}
export type Amount = [name: string, amount: number];
export interface Under extends Unit {
  name: string;
  title: string;
  amount: number;
}
export interface Compared {
  runs: PairRun[];
  under: Under[];
}
/** Where the threshold is: a precision that all models keep, or a distance of one of them. */
export type Threshold = { precision: number } | { model: string; distance: number };
export type WallView = "around" | "missed" | "friends" | "right" | "wrong";

export interface Thumbs {
  /** The address of a picture; undefined until it has come. `under`: −1 for the original. */
  get(picture: number, under: number): string | undefined;
  ahead(pictures: number, under: number): void;
  reset(collection: Collection | null): void;
}
export interface SearchWorld {
  // biome-ignore lint/suspicious/noExplicitAny: each question has an answer of its own
  ask(what: string, question?: object): Promise<any>;
  collection(): Collection;
  catalogue: Catalogue;
  thumbs: Thumbs;
  jobs: Jobs;
  notice: Notice;
  model(name: string): Embedder;
  under(): Amount[];
  open(picture: number, under: Amount | null): void;
}
export interface SearchPane {
  /** Another collection; null: none. */
  changed(): void;
  shown(): void;
  /** Pictures have come. */
  painted(): void;
}
export interface SearchPaneParts {
  element: HTMLElement;
  world: SearchWorld;
}
export interface Ranked {
  name: string;
  before: number[];
  after: number[];
  /** At which place the query's own original is, or null where it is not among the nearest. */
  itself: number | null;
}
export interface RelativesAnswer {
  query: string;
  hash: string;
  recipe: string;
  models: Ranked[];
}
/** One of several pictures that are taken for the same. */
export interface Member {
  picture: number;
  name: string;
  hash: string;
  width: number;
  height: number;
  /** Of its file; 0 where it has none. */
  file_bytes: number;
  /** To the picture that is suggested to be kept. */
  distance: number;
  keep: boolean;
}
export interface DuplicatesAnswer {
  model: string;
  threshold: number;
  /** Where the slider ends. */
  high: number;
  bits: boolean;
  rule: string;
  notes: string[];
  groups: Member[][];
}
/** What the page's address says. */
export interface SearchChosen {
  pane: string;
  /** Name of the data set, "samples", or null. */
  within: string | null;
  by: string[] | null;
  under: Amount[] | null;
  /** Pictures at most. */
  most: number | null;
}
/** What is asked to be opened, and what copies are to be made of it. */
export interface SearchSetup {
  question: { dataset?: string; tokens?: string[]; samples?: boolean; models: string[]; limit: number };
  under: Amount[];
  /** Names of the visitor's own files. */
  files: string[];
}
export interface OwnPictures {
  tokens: string[];
  files: string[];
}
