/* Builds the one sentence of a dv_error, piece by piece:
 *
 *   dv_text text = dv_text_begin(error, DV_KEY_ERROR);
 *   dv_put(&text, "there is no input ");
 *   dv_put_integer(&text, index);
 *   return dv_text_end(&text);
 *
 * Text beyond the room of dv_error is cut between two characters of UTF-8. */
#ifndef DOVETAIL_EXECUTOR_ERROR_TEXT_H_
#define DOVETAIL_EXECUTOR_ERROR_TEXT_H_

#include <dovetail/abi.h>

typedef struct dv_text {
  dv_error* error; /* NULL: the caller wants no text */
  int32_t code;
  int32_t length;
  int32_t full; /* a piece was cut: what follows is left out */
} dv_text;

dv_text dv_text_begin(dv_error* error, int32_t code);
int32_t dv_text_end(dv_text* text); /* the code given to begin */

void dv_put(dv_text* text, const char* piece);
void dv_put_quoted(dv_text* text, const char* name); /* 'name' */
void dv_put_integer(dv_text* text, int64_t value);
void dv_put_dtype(dv_text* text, dv_dtype dtype);                               /* float32 */
void dv_put_shape(dv_text* text, const int64_t* shape, int32_t ndim);           /* [1,3] */
void dv_put_dims(dv_text* text, const dv_dim* dims, int32_t ndim);              /* [batch,3] */
void dv_put_names(dv_text* text, const dv_tensor_info* tensors, int32_t count); /* 'a', 'b' */

/* How many of the first `length` bytes of a longer text are whole characters. */
int32_t dv_whole_characters(const char* text, int32_t length);

/* A sentence of one piece. */
int32_t dv_fail(dv_error* error, int32_t code, const char* sentence);

#endif /* DOVETAIL_EXECUTOR_ERROR_TEXT_H_ */
