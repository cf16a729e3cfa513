#include "executor/copy.h"

/* An empty statement about which the compiler knows nothing: a loop that holds it stays a loop. */
#if defined(__GNUC__)
#define KEEP_LOOP() __asm__ volatile("" ::: "memory")
typedef uint64_t __attribute__((vector_size(16), aligned(1), may_alias)) block;
#else
#define KEEP_LOOP() ((void)0)
typedef uint8_t block;
#endif

void dv_clear_bytes(void* to, int64_t bytes) {
  uint8_t* at = to;
  const block zero = {0};
  const int64_t step = (int64_t)sizeof(block);
  for (; bytes >= step; bytes -= step, at += step) {
    *(block*)(void*)at = zero;
    KEEP_LOOP();
  }
  for (int64_t i = 0; i < bytes; ++i) {
    at[i] = 0;
    KEEP_LOOP();
  }
}

void dv_copy_bytes(void* to, const void* from, int64_t bytes) {
  uint8_t* target = to;
  const uint8_t* source = from;
  const int64_t step = 4 * (int64_t)sizeof(block);
  for (; bytes >= step; bytes -= step, target += step, source += step) {
    const block* in = (const block*)(const void*)source;
    block* out = (block*)(void*)target;
    const block a = in[0], b = in[1], c = in[2], d = in[3];
    out[0] = a;
    out[1] = b;
    out[2] = c;
    out[3] = d;
    KEEP_LOOP();
  }
  for (int64_t i = 0; i < bytes; ++i) {
    target[i] = source[i];
    KEEP_LOOP();
  }
}

uint8_t* dv_tensor_data(const dv_tensor* tensor) {
  return (uint8_t*)tensor->data + tensor->byte_offset;
}

int64_t dv_element_size(dv_dtype dtype) { return ((int64_t)dtype.bits * dtype.lanes + 7) / 8; }

int64_t dv_compact_size(const int64_t* shape, int32_t ndim, dv_dtype dtype) {
  for (int32_t axis = 0; axis < ndim; ++axis) {
    if (shape[axis] == 0) return 0;
  }
  int64_t size = dv_element_size(dtype);
  for (int32_t axis = 0; axis < ndim; ++axis) {
    if (size > INT64_MAX / shape[axis]) return -1;
    size *= shape[axis];
  }
  return size;
}

void dv_compact_strides(const int64_t* shape, int32_t ndim, int64_t* strides) {
  int64_t stride = 1;
  for (int32_t axis = ndim - 1; axis >= 0; --axis) {
    strides[axis] = stride;
    if (shape[axis] > 1) stride *= shape[axis];
  }
}

/* The first axis from which on the tensor is compact: ndim when not even the last one is. */
static int32_t compact_from(const dv_tensor* tensor) {
  int32_t axis = tensor->ndim;
  if (!tensor->strides) return 0;
  for (int64_t expected = 1; axis > 0; --axis) {
    const int64_t extent = tensor->shape[axis - 1];
    if (extent != 1 && tensor->strides[axis - 1] != expected) break;
    expected *= extent;
  }
  return axis;
}

int dv_is_compact(const dv_tensor* tensor) {
  for (int32_t axis = 0; axis < tensor->ndim; ++axis) {
    if (tensor->shape[axis] == 0) return 1;
  }
  return compact_from(tensor) == 0;
}

/* One side of a copy. */
typedef struct side {
  uint8_t* data;
  const int64_t* strides; /* elements; NULL: compact */
} side;

typedef struct copy_plan {
  const int64_t* shape;
  int32_t inner; /* axes from here on are compact on both sides */
  int64_t element;
  int64_t run; /* bytes of the inner axes together */
} copy_plan;

#if defined(__GNUC__)
typedef uint16_t __attribute__((aligned(1), may_alias)) element16;
typedef uint32_t __attribute__((aligned(1), may_alias)) element32;
typedef uint64_t __attribute__((aligned(1), may_alias)) element64;

#define DEFINE_COPY_ELEMENTS(name, type)                                                \
  static void name(uint8_t* to, int64_t to_step, const uint8_t* from, int64_t step,     \
                   int64_t count) {                                                     \
    for (int64_t i = 0; i < count; ++i) {                                               \
      *(type*)(void*)(to + i * to_step) = *(const type*)(const void*)(from + i * step); \
      KEEP_LOOP();                                                                      \
    }                                                                                   \
  }
DEFINE_COPY_ELEMENTS(copy_elements8, uint8_t)
DEFINE_COPY_ELEMENTS(copy_elements16, element16)
DEFINE_COPY_ELEMENTS(copy_elements32, element32)
DEFINE_COPY_ELEMENTS(copy_elements64, element64)
#endif

/* `count` pieces of `run` bytes each; steps in bytes. */
static void copy_line(uint8_t* to, int64_t to_step, const uint8_t* from, int64_t from_step,
                      int64_t count, int64_t run) {
#if defined(__GNUC__)
  switch (run) {
    case 1:
      copy_elements8(to, to_step, from, from_step, count);
      return;
    case 2:
      copy_elements16(to, to_step, from, from_step, count);
      return;
    case 4:
      copy_elements32(to, to_step, from, from_step, count);
      return;
    case 8:
      copy_elements64(to, to_step, from, from_step, count);
      return;
    default:
      break;
  }
#endif
  for (int64_t i = 0; i < count; ++i) dv_copy_bytes(to + i * to_step, from + i * from_step, run);
}

static int64_t stride_of(const copy_plan* plan, const side* s, int32_t axis) {
  if (s->strides) return s->strides[axis] * plan->element;
  int64_t stride = plan->element;
  for (int32_t a = plan->inner; a-- > axis + 1;) stride *= plan->shape[a];
  return plan->run / plan->element * stride;
}

static void copy_axis(const copy_plan* plan, int32_t axis, uint8_t* to, const side* to_side,
                      const uint8_t* from, const side* from_side) {
  const int64_t count = plan->shape[axis];
  const int64_t to_step = stride_of(plan, to_side, axis);
  const int64_t from_step = stride_of(plan, from_side, axis);
  if (axis + 1 == plan->inner) {
    copy_line(to, to_step, from, from_step, count, plan->run);
    return;
  }
  for (int64_t i = 0; i < count; ++i) {
    copy_axis(plan, axis + 1, to + i * to_step, to_side, from + i * from_step, from_side);
  }
}

int dv_overlaps(const dv_tensor* tensor, const uint8_t* memory, int64_t bytes) {
  int64_t size = dv_compact_size(tensor->shape, tensor->ndim, tensor->dtype);
  if (size <= 0) return 0;
  const uint8_t* begin = dv_tensor_data(tensor);
  if (tensor->strides) {
    const int64_t element = dv_element_size(tensor->dtype);
    size = element;
    for (int32_t axis = 0; axis < tensor->ndim; ++axis) {
      const int64_t span = (tensor->shape[axis] - 1) * tensor->strides[axis] * element;
      if (span < 0) begin += span;
      size += span < 0 ? -span : span;
    }
  }
  const uintptr_t first = (uintptr_t)begin;
  const uintptr_t other = (uintptr_t)memory;
  return first < other + (uintptr_t)bytes && other < first + (uintptr_t)size;
}

void dv_copy_tensor(const dv_tensor* to, const dv_tensor* from) {
  const int64_t bytes = dv_compact_size(to->shape, to->ndim, to->dtype);
  if (bytes <= 0) return;
  const int32_t to_compact = compact_from(to);
  const int32_t from_compact = compact_from(from);
  copy_plan plan;
  plan.shape = to->shape;
  plan.inner = to_compact > from_compact ? to_compact : from_compact;
  plan.element = dv_element_size(to->dtype);
  plan.run = plan.element;
  for (int32_t axis = plan.inner; axis < to->ndim; ++axis) plan.run *= to->shape[axis];
  if (plan.inner == 0) {
    dv_copy_bytes(dv_tensor_data(to), dv_tensor_data(from), plan.run);
    return;
  }
  const side to_side = {dv_tensor_data(to), to->strides};
  const side from_side = {dv_tensor_data(from), from->strides};
  copy_axis(&plan, 0, to_side.data, &to_side, from_side.data, &from_side);
}
