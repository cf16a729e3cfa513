/* The part of tvm_ffi's C ABI (0.1.x) that the executor speaks, declared by hand so that building a
 * library needs no header of it. Names of the provider's functions are resolved at use
 * (executor/ffi_provider.h). */
#ifndef DOVETAIL_EXECUTOR_FFI_ABI_H_
#define DOVETAIL_EXECUTOR_FFI_ABI_H_

#include <dovetail/abi.h>

/* dv_any.type */
enum {
  DV_ANY_NONE = 0,
  DV_ANY_INT = 1,
  DV_ANY_BOOL = 2,
  DV_ANY_POINTER = 4,
  DV_ANY_DEVICE = 6,
  DV_ANY_TENSOR_POINTER = 7,
  DV_ANY_C_STRING = 8,
  DV_ANY_RVALUE_REF = 10, /* the address of an object's address */
  DV_ANY_SMALL_STRING = 11,
  DV_ANY_OBJECT = 64, /* from here on the payload is an object's address */
  DV_ANY_STRING = 65,
  DV_ANY_FUNCTION = 68,
  DV_ANY_TENSOR = 70,
  DV_ANY_ARRAY = 71,
  DV_ANY_MAP = 72,
  DV_ANY_LIST = 75,
  DV_ANY_DICT = 76 /* a Map that can be changed */
};

/* TVMFFIAny: a value of any type. Unused bytes are zero. */
typedef struct dv_any {
  int32_t type;
  uint32_t small_length; /* of a small string; else 0 */
  union {
    int64_t integer;
    void* pointer;
    dv_device device;
    char text[8];
  } value;
} dv_any;

/* TVMFFIObject: what every object starts with. */
typedef struct dv_object {
  uint64_t references;
  int32_t type;
  uint32_t reserved;
  void (*deleter)(void* self, int flags);
} dv_object;

typedef struct dv_byte_array {
  const char* data;
  size_t size;
} dv_byte_array;

typedef struct dv_string_object {
  dv_object header;
  dv_byte_array bytes;
} dv_string_object;

typedef struct dv_tensor_object {
  dv_object header;
  dv_tensor tensor;
} dv_tensor_object;

/* ffi.Array and ffi.List */
typedef struct dv_sequence_object {
  dv_object header;
  dv_any* items;
  int64_t size;
} dv_sequence_object;

/* DLManagedTensorVersioned of DLPack 1 */
typedef struct dv_managed_tensor {
  uint32_t major;
  uint32_t minor;
  void* owner;
  void (*deleter)(struct dv_managed_tensor* self);
  uint64_t flags;
  dv_tensor tensor;
} dv_managed_tensor;

typedef int (*dv_packed_function)(void* self, const dv_any* args, int32_t num_args, dv_any* result);

#if UINTPTR_MAX == UINT64_MAX
typedef char dv_assert_any[sizeof(dv_any) == 16 ? 1 : -1];
typedef char dv_assert_object[sizeof(dv_object) == 24 ? 1 : -1];
typedef char dv_assert_managed_tensor[sizeof(dv_managed_tensor) == 80 ? 1 : -1];
#endif

#endif /* DOVETAIL_EXECUTOR_FFI_ABI_H_ */
