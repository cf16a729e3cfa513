/* Bytes and tensors from one place to another. Written so that no compiler turns a loop into a call
 * of memcpy or memset: the executor imports nothing. */
#ifndef DOVETAIL_EXECUTOR_COPY_H_
#define DOVETAIL_EXECUTOR_COPY_H_

#include <dovetail/abi.h>

void dv_clear_bytes(void* to, int64_t bytes);
void dv_copy_bytes(void* to, const void* from, int64_t bytes);

/* Where a tensor's first element lies. */
uint8_t* dv_tensor_data(const dv_tensor* tensor);

/* Whole bytes of one element. */
int64_t dv_element_size(dv_dtype dtype);

/* The size in bytes of a compact tensor; -1 when it does not fit into int64. Extents are >= 0. */
int64_t dv_compact_size(const int64_t* shape, int32_t ndim, dv_dtype dtype);

/* Row-major strides, in elements. The tensor's size fits into int64. */
void dv_compact_strides(const int64_t* shape, int32_t ndim, int64_t* strides);

/* Whether the tensor is compact and row-major. Strides of extents of 1 and of empty tensors are of
 * no account. */
int dv_is_compact(const dv_tensor* tensor);

/* Whether an element of the tensor may lie in the memory. */
int dv_overlaps(const dv_tensor* tensor, const uint8_t* memory, int64_t bytes);

/* Copies every element between two tensors of one dtype and shape, any strides, that do not
 * overlap. */
void dv_copy_tensor(const dv_tensor* to, const dv_tensor* from);

#endif /* DOVETAIL_EXECUTOR_COPY_H_ */
