#include "executor/ffi_arguments.h"

const char* dv_any_kind(const dv_any* value) {
  switch (value->type) {
    case DV_ANY_NONE:
      return "None";
    case DV_ANY_INT:
      return "int";
    case DV_ANY_BOOL:
      return "bool";
    case 3:
      return "float";
    case DV_ANY_POINTER:
      return "pointer";
    case 5:
      return "dtype";
    case DV_ANY_DEVICE:
      return "Device";
    case DV_ANY_C_STRING:
    case DV_ANY_SMALL_STRING:
    case DV_ANY_STRING:
      return "str";
    case 9:
    case 12:
    case 66:
      return "bytes";
    case DV_ANY_FUNCTION:
      return "Function";
    case DV_ANY_TENSOR_POINTER:
    case DV_ANY_TENSOR:
      return "Tensor";
    case DV_ANY_ARRAY:
    case DV_ANY_LIST:
      return "list";
    case DV_ANY_MAP:
    case DV_ANY_DICT:
      return "dict";
    default:
      return "object";
  }
}

/* The object behind the value, NULL when there is none. */
static dv_object* object_of(const dv_any* value) {
  if (value->type == DV_ANY_RVALUE_REF) return *(dv_object**)value->value.pointer;
  return value->type >= DV_ANY_OBJECT ? value->value.pointer : NULL;
}

int32_t dv_any_object_type(const dv_any* value) {
  const dv_object* object = object_of(value);
  return object ? object->type : DV_ANY_NONE;
}

static dv_byte_array c_string(const char* data) {
  dv_byte_array text = {data, 0};
  while (data[text.size]) ++text.size;
  return text;
}

int dv_any_as_string(const dv_any* value, dv_byte_array* text) {
  if (value->type == DV_ANY_SMALL_STRING) {
    text->data = value->value.text;
    text->size = value->small_length;
    return 1;
  }
  if (value->type == DV_ANY_C_STRING) {
    *text = c_string(value->value.pointer);
    return 1;
  }
  dv_object* object = object_of(value);
  if (!object || object->type != DV_ANY_STRING) return 0;
  *text = ((dv_string_object*)(void*)object)->bytes;
  return 1;
}

int dv_any_as_tensor(const dv_any* value, const dv_tensor** tensor, dv_object** object) {
  *object = NULL;
  if (value->type == DV_ANY_TENSOR_POINTER) {
    *tensor = value->value.pointer;
    return 1;
  }
  dv_object* found = object_of(value);
  if (!found || found->type != DV_ANY_TENSOR) return 0;
  *tensor = &((dv_tensor_object*)(void*)found)->tensor;
  *object = found;
  return 1;
}

int64_t dv_any_items(const dv_any** value) {
  const dv_object* object = object_of(*value);
  if (!object || (object->type != DV_ANY_ARRAY && object->type != DV_ANY_LIST)) return 1;
  const dv_sequence_object* sequence = (const dv_sequence_object*)(const void*)object;
  *value = sequence->items;
  return sequence->size;
}
