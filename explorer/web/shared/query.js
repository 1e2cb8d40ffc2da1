// [[key, value]] as the query of an address that people can read: what may stand in one as it is stays as it is.
/** @type {(parts: [key: string, value: string | number][]) => string} */
export function queryOf(parts) {
  /** @type {(text: string | number) => string} */
  const plainly = (text) =>
    encodeURIComponent(text).replace(/%(2C|3D|3B|3A|2F|7C)/g, (code) => decodeURIComponent(code));
  return parts.map(([key, value]) => `${key}=${plainly(value)}`).join("&");
}
