#include "executor/error_text.h"

enum { ROOM = (int32_t)sizeof(((dv_error*)0)->message) - 1 };

dv_text dv_text_begin(dv_error* error, int32_t code) {
  dv_text text;
  text.error = error;
  text.code = code;
  text.length = 0;
  text.full = 0;
  if (error) error->code = code;
  return text;
}

int32_t dv_text_end(dv_text* text) {
  if (text->error) text->error->message[text->length] = '\0';
  return text->code;
}

int32_t dv_whole_characters(const char* text, int32_t length) {
  int32_t start = length;
  while (start > 0 && (text[start - 1] & 0xc0) == 0x80) --start;
  if (start == 0) return length;
  const unsigned char lead = (unsigned char)text[start - 1];
  const int32_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  return length - (start - 1) < size ? start - 1 : length;
}

void dv_put(dv_text* text, const char* piece) {
  if (!text->error || text->full) return;
  char* message = text->error->message;
  while (*piece && text->length < ROOM) message[text->length++] = *piece++;
  if (!*piece) return;
  text->length = dv_whole_characters(message, text->length);
  text->full = 1;
}

void dv_put_quoted(dv_text* text, const char* name) {
  dv_put(text, "'");
  dv_put(text, name);
  dv_put(text, "'");
}

void dv_put_integer(dv_text* text, int64_t value) {
  char digits[24];
  char* at = digits + sizeof(digits) - 1;
  uint64_t rest = value < 0 ? UINT64_C(0) - (uint64_t)value : (uint64_t)value;
  *at = '\0';
  do {
    *--at = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  if (value < 0) *--at = '-';
  dv_put(text, at);
}

static const char* dtype_family(uint8_t code) {
  switch (code) {
    case DV_INT:
      return "int";
    case DV_UINT:
      return "uint";
    case DV_FLOAT:
      return "float";
    case DV_BFLOAT:
      return "bfloat";
    case DV_BOOL:
      return "bool";
    default:
      return NULL;
  }
}

void dv_put_dtype(dv_text* text, dv_dtype dtype) {
  const char* family = dtype_family(dtype.code);
  if (family) {
    dv_put(text, family);
  } else {
    dv_put(text, "dtype code ");
    dv_put_integer(text, dtype.code);
    dv_put(text, " of bits ");
  }
  if (dtype.code != DV_BOOL || dtype.bits != 8) dv_put_integer(text, dtype.bits);
  if (dtype.lanes != 1) {
    dv_put(text, "x");
    dv_put_integer(text, dtype.lanes);
  }
}

void dv_put_shape(dv_text* text, const int64_t* shape, int32_t ndim) {
  dv_put(text, "[");
  for (int32_t axis = 0; axis < ndim; ++axis) {
    if (axis > 0) dv_put(text, ",");
    dv_put_integer(text, shape[axis]);
  }
  dv_put(text, "]");
}

void dv_put_dims(dv_text* text, const dv_dim* dims, int32_t ndim) {
  dv_put(text, "[");
  for (int32_t axis = 0; axis < ndim; ++axis) {
    if (axis > 0) dv_put(text, ",");
    if (dims[axis].text) {
      dv_put(text, dims[axis].text);
    } else {
      dv_put_integer(text, dims[axis].value);
    }
  }
  dv_put(text, "]");
}

void dv_put_names(dv_text* text, const dv_tensor_info* tensors, int32_t count) {
  for (int32_t i = 0; i < count; ++i) {
    if (i > 0) dv_put(text, ", ");
    dv_put_quoted(text, tensors[i].name);
  }
}

int32_t dv_fail(dv_error* error, int32_t code, const char* sentence) {
  dv_text text = dv_text_begin(error, code);
  dv_put(&text, sentence);
  return dv_text_end(&text);
}
