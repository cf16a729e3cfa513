/* Reading the arguments of a packed function. */
#ifndef DOVETAIL_EXECUTOR_FFI_ARGUMENTS_H_
#define DOVETAIL_EXECUTOR_FFI_ARGUMENTS_H_

#include "executor/ffi_abi.h"

/* What kind of value it is, in Python's words: "int", "str", "Device", ... */
const char* dv_any_kind(const dv_any* value);

/* The type of the object behind the value, DV_ANY_NONE when there is none. */
int32_t dv_any_object_type(const dv_any* value);

/* The bytes of a string of any form; 0 when the value is none. */
int dv_any_as_string(const dv_any* value, dv_byte_array* text);

/* The tensor of a DLTensor*, an ffi.Tensor or a reference to one. *object is the ffi.Tensor that
 * keeps it alive, NULL for a DLTensor*. 0 when the value is none of them. */
int dv_any_as_tensor(const dv_any* value, const dv_tensor** tensor, dv_object** object);

/* Makes *value the items of a list or array, and gives their number; else it stays as it is: one.
 */
int64_t dv_any_items(const dv_any** value);

#endif /* DOVETAIL_EXECUTOR_FFI_ARGUMENTS_H_ */
