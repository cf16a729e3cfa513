/* Memory of a tensor that the context owns. A buffer grows and never shrinks; whoever shows its
 * bytes to others holds a reference, so that growth leaves the old bytes to them. */
#ifndef DOVETAIL_EXECUTOR_BUFFER_H_
#define DOVETAIL_EXECUTOR_BUFFER_H_

#include <dovetail/abi.h>

typedef struct dv_buffer {
  int64_t references; /* changed atomically: views are dropped on any thread */
  int64_t capacity;   /* bytes behind dv_buffer_data */
} dv_buffer;

/* Memory from the host, DV_ALIGNMENT-aligned; NULL when there is none or the size is too big. */
void* dv_allocate(const dv_host* host, int64_t bytes);

/* DV_ALIGNMENT-aligned. */
uint8_t* dv_buffer_data(dv_buffer* buffer);

/* Makes *buffer (NULL at first) hold at least `bytes`. Its contents are lost when it grows. Returns
 * 0, and leaves *buffer as it is, when there is no memory. */
int dv_buffer_reserve(dv_buffer** buffer, int64_t bytes, const dv_host* host);

void dv_buffer_retain(dv_buffer* buffer);
void dv_buffer_release(dv_buffer* buffer, const dv_host* host); /* NULL is allowed */

#endif /* DOVETAIL_EXECUTOR_BUFFER_H_ */
