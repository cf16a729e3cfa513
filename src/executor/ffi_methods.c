/* The functions of the Map that a factory returns. */
#include "executor/copy.h"
#include "executor/error_text.h"
#include "executor/ffi_arguments.h"
#include "executor/ffi_executor.h"
#include "executor/tensor_check.h"

/* An input or output that a caller has named. */
typedef struct place {
  dv_role role;
  int32_t index;
  const dv_tensor_info* info;
  dv_binding* binding;
  dv_object** kept;
} place;

static const char* role_name(dv_role role) { return role == DV_ROLE_INPUT ? "input" : "output"; }

static int equal(const char* name, dv_byte_array text) {
  for (size_t i = 0; i < text.size; ++i) {
    if (name[i] == '\0' || name[i] != text.data[i]) return 0;
  }
  return name[text.size] == '\0';
}

static int32_t no_such_name(const dv_model* model, dv_role role, dv_byte_array name,
                            dv_error* error) {
  const int is_input = role == DV_ROLE_INPUT;
  const int32_t count = is_input ? model->num_inputs : model->num_outputs;
  char shown[128]; /* dv_put takes text that ends in NUL */
  size_t length = name.size < sizeof(shown) - 1 ? name.size : sizeof(shown) - 1;
  if (length < name.size) length = (size_t)dv_whole_characters(name.data, (int32_t)length);
  dv_copy_bytes(shown, name.data, (int64_t)length);
  shown[length] = '\0';
  dv_text text = dv_text_begin(error, DV_KEY_ERROR);
  dv_put(&text, "model ");
  dv_put_quoted(&text, model->name);
  dv_put(&text, is_input ? " has no input " : " has no output ");
  dv_put_quoted(&text, shown);
  dv_put(&text, is_input ? "; its inputs are " : "; its outputs are ");
  if (count == 0) dv_put(&text, "none");
  dv_put_names(&text, is_input ? model->inputs : model->outputs, count);
  return dv_text_end(&text);
}

/* Resolves a name or an index. */
static int32_t resolve(dv_ffi_executor* executor, dv_role role, const dv_any* argument,
                       place* found, dv_error* error) {
  const dv_model* model = executor->context->model;
  const int is_input = role == DV_ROLE_INPUT;
  const dv_tensor_info* infos = is_input ? model->inputs : model->outputs;
  const int32_t count = is_input ? model->num_inputs : model->num_outputs;
  dv_byte_array name;
  int64_t index = -1;
  if (dv_any_as_string(argument, &name)) {
    for (index = 0; index < count && !equal(infos[index].name, name);) ++index;
    if (index == count) return no_such_name(model, role, name, error);
  } else if (argument->type == DV_ANY_INT || argument->type == DV_ANY_BOOL) {
    index = argument->value.integer;
    if (index != (int32_t)index) index = -1;
  } else {
    dv_text text = dv_text_begin(error, DV_TYPE_ERROR);
    dv_put(&text, "the ");
    dv_put(&text, role_name(role));
    dv_put(&text, " is given as ");
    dv_put(&text, dv_any_kind(argument));
    dv_put(&text, ", expected its name or index");
    return dv_text_end(&text);
  }
  found->role = role;
  found->index = (int32_t)index;
  const int32_t code =
      dv_find_binding(executor->context, role, found->index, &found->binding, error);
  if (code != DV_OK) return code;
  found->info = &infos[index];
  found->kept = &executor->kept[is_input ? index : model->num_inputs + index];
  return DV_OK;
}

static int32_t tensor_of(const place* at, const dv_any* argument, const dv_tensor** tensor,
                         dv_object** object, dv_error* error) {
  if (dv_any_as_tensor(argument, tensor, object)) return DV_OK;
  dv_text text = dv_text_begin(error, DV_TYPE_ERROR);
  dv_put(&text, role_name(at->role));
  dv_put(&text, " ");
  dv_put_quoted(&text, at->info->name);
  dv_put(&text, " is given as ");
  dv_put(&text, dv_any_kind(argument));
  dv_put(&text, ", expected a tensor");
  return dv_text_end(&text);
}

/* Holds `object` (NULL: nothing) in place of what was held. */
static void keep(dv_ffi_executor* executor, const place* at, dv_object* object) {
  dv_object* before = *at->kept;
  if (object) executor->provider.retain(object);
  *at->kept = object;
  if (before) executor->provider.release(before);
}

static int32_t set_input(dv_ffi_executor* executor, const dv_any* args, int32_t num_args,
                         dv_any* result, dv_error* error) {
  place at;
  const dv_tensor* tensor = NULL;
  dv_object* object = NULL;
  (void)num_args;
  (void)result;
  int32_t code = resolve(executor, DV_ROLE_INPUT, &args[0], &at, error);
  if (code == DV_OK) code = tensor_of(&at, &args[1], &tensor, &object, error);
  if (code == DV_OK) code = dv_set_input(executor->context, at.index, tensor, error);
  if (code == DV_OK) keep(executor, &at, NULL);
  return code;
}

static int32_t set_input_zero_copy(dv_ffi_executor* executor, const dv_any* args, int32_t num_args,
                                   dv_any* result, dv_error* error) {
  place at;
  const dv_tensor* tensor = NULL;
  dv_object* object = NULL;
  (void)num_args;
  (void)result;
  int32_t code = resolve(executor, DV_ROLE_INPUT, &args[0], &at, error);
  if (code == DV_OK) code = tensor_of(&at, &args[1], &tensor, &object, error);
  if (code == DV_OK) code = dv_set_input_zero_copy(executor->context, at.index, tensor, error);
  if (code == DV_OK) keep(executor, &at, object);
  return code;
}

static int32_t set_output_zero_copy(dv_ffi_executor* executor, const dv_any* args, int32_t num_args,
                                    dv_any* result, dv_error* error) {
  place at;
  const dv_tensor* tensor = NULL;
  dv_object* object = NULL;
  (void)num_args;
  (void)result;
  int32_t code = resolve(executor, DV_ROLE_OUTPUT, &args[0], &at, error);
  if (code == DV_OK && args[1].type != DV_ANY_NONE) {
    code = tensor_of(&at, &args[1], &tensor, &object, error);
  }
  if (code == DV_OK) code = dv_set_output_zero_copy(executor->context, at.index, tensor, error);
  if (code == DV_OK) keep(executor, &at, object);
  return code;
}

static int32_t run(dv_ffi_executor* executor, const dv_any* args, int32_t num_args, dv_any* result,
                   dv_error* error) {
  (void)args;
  (void)num_args;
  (void)result;
  return dv_run(executor->context, error);
}

/* The caller's own tensor where it is used without a copy, else a view. */
static int32_t share(dv_ffi_executor* executor, const place* at, const dv_tensor* tensor,
                     dv_any* result, dv_error* error) {
  if (*at->kept) {
    executor->provider.retain(*at->kept);
    result->type = DV_ANY_TENSOR;
    result->value.pointer = *at->kept;
    return DV_OK;
  }
  dv_buffer* buffer = at->binding->buffer;
  const int own = buffer && dv_buffer_data(buffer) == at->binding->data;
  return dv_ffi_make_view(&executor->provider, executor, tensor, own ? buffer : NULL, result,
                          error);
}

static int32_t get_input(dv_ffi_executor* executor, const dv_any* args, int32_t num_args,
                         dv_any* result, dv_error* error) {
  place at;
  dv_tensor view;
  (void)num_args;
  int32_t code = resolve(executor, DV_ROLE_INPUT, &args[0], &at, error);
  if (code == DV_OK) code = dv_get_input(executor->context, at.index, &view, error);
  return code != DV_OK ? code : share(executor, &at, &view, result, error);
}

/* get_output(output) gives a view, get_output(output, tensor) copies into the tensor. */
static int32_t get_output(dv_ffi_executor* executor, const dv_any* args, int32_t num_args,
                          dv_any* result, dv_error* error) {
  place at;
  dv_tensor view;
  int32_t code = resolve(executor, DV_ROLE_OUTPUT, &args[0], &at, error);
  if (code == DV_OK && num_args == 2) {
    const dv_tensor* tensor = NULL;
    dv_object* object = NULL;
    code = tensor_of(&at, &args[1], &tensor, &object, error);
    return code != DV_OK ? code : dv_copy_output(executor->context, at.index, tensor, error);
  }
  if (code == DV_OK) code = dv_get_output(executor->context, at.index, &view, error);
  return code != DV_OK ? code : share(executor, &at, &view, result, error);
}

static int32_t num_inputs(dv_ffi_executor* executor, const dv_any* args, int32_t num_args,
                          dv_any* result, dv_error* error) {
  (void)args;
  (void)num_args;
  (void)error;
  result->type = DV_ANY_INT;
  result->value.integer = executor->context->model->num_inputs;
  return DV_OK;
}

static int32_t num_outputs(dv_ffi_executor* executor, const dv_any* args, int32_t num_args,
                           dv_any* result, dv_error* error) {
  (void)args;
  (void)num_args;
  (void)error;
  result->type = DV_ANY_INT;
  result->value.integer = executor->context->model->num_outputs;
  return DV_OK;
}

const dv_ffi_method dv_ffi_methods[DV_FFI_NUM_METHODS] = {
    {"set_input", "(input, tensor)", 2, 2, 0, set_input},
    {"set_input_zero_copy", "(input, tensor)", 2, 2, 0, set_input_zero_copy},
    {"set_output_zero_copy", "(output, tensor)", 2, 2, 0, set_output_zero_copy},
    {"run", "()", 0, 0, 0, run},
    {"get_input", "(input)", 1, 1, 0, get_input},
    {"get_output", "(output) or (output, tensor)", 1, 2, 0, get_output},
    {"num_inputs", "()", 0, 0, 0, num_inputs},
    {"num_outputs", "()", 0, 0, 0, num_outputs},
    {"load_params", "(dict)", 1, 1, 0, dv_ffi_load_params},
    {"share_params", "(executor)", 0, 1, 1, dv_ffi_share_params},
};
