#include "agent/source/encoding.h"

#include <errno.h>
#include <string.h>

#define BOM "\xEF\xBB\xBF"
#define BOM_SIZE 3
#define LONGEST_CHARACTER 4 /* bytes, of UTF-8 and of GB18030 */
#define SIGNATURE_SIZE 8

enum kind { KIND_UNKNOWN, KIND_UTF8, KIND_GB18030 };

struct encoding {
  enum kind kind;
  bool begun;       /* the first bytes were looked at */
  GString *waiting; /* not decoded yet: the window before the decision, the start of a character after it */
  uint64_t taken;   /* bytes of the file before `waiting` */
  uint8_t fault;    /* the byte at `taken` */
  GIConv converter; /* of GB18030 */
};

struct encoding *encoding_new(const char *name)
{
  struct encoding *encoding = g_new0(struct encoding, 1);
  encoding->waiting = g_string_new(NULL);
  encoding->converter = (GIConv)-1;
  if (name) encoding->kind = g_ascii_strcasecmp(name, "utf-8") == 0 ? KIND_UTF8 : KIND_GB18030;
  return encoding;
}

void encoding_free(struct encoding *encoding)
{
  if (!encoding) return;
  if (encoding->converter != (GIConv)-1) g_iconv_close(encoding->converter);
  g_string_free(encoding->waiting, TRUE);
  g_free(encoding);
}

const char *encoding_name(const struct encoding *encoding)
{
  static const char *const names[] = {"ASCII", "UTF-8", "GB18030"};
  return names[encoding->kind];
}

uint64_t encoding_fault_offset(const struct encoding *encoding, uint8_t *ret_byte)
{
  *ret_byte = encoding->fault;
  return encoding->taken;
}

/* How many bytes from the start are ASCII and not NUL; sixteen at a time, since nearly all of a file of
 * figures is. A NUL borrows from its high bit, and what is not ASCII has it. */
static size_t ascii_length(const char *bytes, size_t length)
{
  const uint64_t high = UINT64_C(0x8080808080808080), low = UINT64_C(0x0101010101010101);
  size_t n = 0;
  for (uint64_t words[2]; n + sizeof words <= length; n += sizeof words) {
    memcpy(words, bytes + n, sizeof words);
    if (((words[0] - low) | words[0] | (words[1] - low) | words[1]) & high) break;
  }
  while (n < length && (signed char)bytes[n] > 0) n++;
  return n;
}

/* How many bytes from the start are whole characters of three bytes, as those of Chinese are: E0 and ED need
 * a closer look, all else of E1 to EF is valid. */
static size_t three_byte_length(const char *bytes, size_t length)
{
  const uint8_t *p = (const uint8_t *)bytes, *end = p + length;
  while (end - p >= 3 && p[0] >= 0xE1 && p[0] <= 0xEF && p[0] != 0xED && (p[1] & 0xC0) == 0x80 &&
         (p[2] & 0xC0) == 0x80)
    p += 3;
  return (size_t)((const char *)p - bytes);
}

/* How many bytes from the start are whole characters of UTF-8; *ret_cut if what follows may be the start of
 * one. */
static size_t utf8_length(const char *bytes, size_t length, bool *ret_cut)
{
  size_t n = 0;
  *ret_cut = false;
  while (n < length) {
    n += ascii_length(bytes + n, length - n);
    n += three_byte_length(bytes + n, length - n);
    if (n == length || bytes[n] == '\0') break;
    if ((signed char)bytes[n] > 0) continue;
    gunichar character = g_utf8_get_char_validated(bytes + n, (gssize)(length - n));
    *ret_cut = character == (gunichar)-2;
    if (character == (gunichar)-1 || character == (gunichar)-2) break;
    n += (size_t)g_utf8_skip[(uint8_t)bytes[n]];
  }
  return n;
}

static enum encoding_status fail(struct encoding *encoding, enum encoding_status status, const char *bytes,
                                 size_t good)
{
  encoding->taken += good;
  encoding->fault = (uint8_t)bytes[good];
  return status;
}

static enum encoding_status decode_utf8(struct encoding *encoding, const char *bytes, size_t length, bool end,
                                        GString *ret_text)
{
  bool cut;
  size_t good = utf8_length(bytes, length, &cut);
  g_string_append_len(ret_text, bytes, (gssize)good);
  if (good < length && !cut)
    return fail(encoding, bytes[good] == '\0' ? ENCODING_BINARY : ENCODING_INVALID, bytes, good);
  if (good < length && end) return fail(encoding, ENCODING_CUT, bytes, good);
  encoding->taken += good;
  g_string_append_len(encoding->waiting, bytes + good, (gssize)(length - good));
  return ENCODING_OK;
}

static enum encoding_status decode_gb18030(struct encoding *encoding, const char *bytes, size_t length,
                                           bool end, GString *ret_text)
{
  if (encoding->converter == (GIConv)-1) encoding->converter = g_iconv_open("UTF-8", "GB18030");
  if (encoding->converter == (GIConv)-1) return fail(encoding, ENCODING_INVALID, bytes, 0); /* no such libc */
  const char *nul = memchr(bytes, '\0', length);
  size_t usable = nul ? (size_t)(nul - bytes) : length;
  size_t start = ret_text->len;
  g_string_set_size(ret_text, start + usable * 2 + 16); /* 2 bytes become 3, a single byte at most 3 */
  char *in = (char *)bytes, *out = ret_text->str + start;
  size_t in_left = usable, out_left = ret_text->len - start;
  int problem = 0;
  while (in_left > 0 && g_iconv(encoding->converter, &in, &in_left, &out, &out_left) == (size_t)-1) {
    problem = errno;
    if (problem != E2BIG) break;
    size_t done = (size_t)(out - ret_text->str);
    g_string_set_size(ret_text, ret_text->len + in_left * 2 + 16);
    out = ret_text->str + done;
    out_left = ret_text->len - done;
    problem = 0;
  }
  g_string_truncate(ret_text, (size_t)(out - ret_text->str));
  size_t good = (size_t)(in - bytes);
  bool cut = problem == EINVAL && length - good < LONGEST_CHARACTER;
  if (nul && !problem) return fail(encoding, ENCODING_BINARY, bytes, good);
  if (problem && (!cut || nul)) return fail(encoding, ENCODING_INVALID, bytes, good);
  if (cut && end) return fail(encoding, ENCODING_CUT, bytes, good);
  encoding->taken += good;
  g_string_append_len(encoding->waiting, bytes + good, (gssize)(length - good));
  return ENCODING_OK;
}

/* UTF-8 or not is decided at the first byte that is not ASCII, with what follows it within the window. */
static enum encoding_status decode_unknown(struct encoding *encoding, const char *bytes, size_t length,
                                           bool end, GString *ret_text)
{
  size_t plain = ascii_length(bytes, length);
  g_string_append_len(ret_text, bytes, (gssize)plain);
  if (plain < length && bytes[plain] == '\0') return fail(encoding, ENCODING_BINARY, bytes, plain);
  encoding->taken += plain;
  bytes += plain;
  length -= plain;
  if (length == 0) return ENCODING_OK;
  if (length < ENCODING_WINDOW && !end) {
    g_string_append_len(encoding->waiting, bytes, (gssize)length);
    return ENCODING_OK;
  }
  bool cut;
  size_t window = MIN(length, ENCODING_WINDOW);
  size_t good = utf8_length(bytes, window, &cut);
  bool is_utf8 = good == window || bytes[good] == '\0' || cut;
  encoding->kind = is_utf8 ? KIND_UTF8 : KIND_GB18030;
  return is_utf8 ? decode_utf8(encoding, bytes, length, end, ret_text)
                 : decode_gb18030(encoding, bytes, length, end, ret_text);
}

/* The first bytes tell a BOM and files that are no text at all. */
static enum encoding_status look_at_start(struct encoding *encoding, const char *bytes, size_t length,
                                          size_t *ret_skip)
{
  static const struct {
    const char *bytes;
    size_t length;
    enum encoding_status status;
  } signatures[] = {
      {"\xFF\xFE", 2, ENCODING_UTF16},
      {"\xFE\xFF", 2, ENCODING_UTF16},
      {"PK\x03\x04", 4, ENCODING_WORKBOOK},
      {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", SIGNATURE_SIZE, ENCODING_WORKBOOK},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(signatures); i++)
    if (length >= signatures[i].length && memcmp(bytes, signatures[i].bytes, signatures[i].length) == 0)
      return fail(encoding, signatures[i].status, bytes, 0);
  *ret_skip = length >= BOM_SIZE && memcmp(bytes, BOM, BOM_SIZE) == 0 ? BOM_SIZE : 0;
  if (*ret_skip) encoding->kind = KIND_UTF8;
  encoding->begun = true;
  return ENCODING_OK;
}

enum encoding_status encoding_decode(struct encoding *encoding, const char *bytes, size_t length, bool end,
                                     GString *ret_text)
{
  g_autofree char *joined = NULL;
  if (encoding->waiting->len > 0) { /* rare: until the decision, and for a character that was cut */
    g_string_append_len(encoding->waiting, bytes, (gssize)length);
    length = encoding->waiting->len;
    bytes = joined = g_memdup2(encoding->waiting->str, length);
    g_string_truncate(encoding->waiting, 0);
  }
  if (!encoding->begun) {
    if (length < SIGNATURE_SIZE && !end) {
      g_string_append_len(encoding->waiting, bytes, (gssize)length);
      return ENCODING_OK;
    }
    size_t skip = 0;
    enum encoding_status status = look_at_start(encoding, bytes, length, &skip);
    if (status != ENCODING_OK) return status;
    encoding->taken = skip;
    bytes += skip;
    length -= skip;
  }
  switch (encoding->kind) {
  case KIND_UTF8:
    return decode_utf8(encoding, bytes, length, end, ret_text);
  case KIND_GB18030:
    return decode_gb18030(encoding, bytes, length, end, ret_text);
  case KIND_UNKNOWN:
    break;
  }
  return decode_unknown(encoding, bytes, length, end, ret_text);
}
