/* Text into markup. Also used by the worker, which has no document. */
const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
export const escape = (text) => String(text).replace(/[&<>"']/g, (sign) => ENTITIES[sign]);
