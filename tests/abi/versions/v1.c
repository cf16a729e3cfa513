/* A library of ABI version 1, written by hand and frozen: the structures as abi.h had them when the
 * version ended, and a small executor of its own, for a library carries one. Never edit; what a
 * runtime of a later version makes of it is what test_versions.py is about.
 *
 *   twice: y float32[4] = 2 * x
 */
#include <stddef.h>
#include <stdint.h>

typedef struct dv_error {
  int32_t code;
  char message[508];
} dv_error;
typedef struct dv_dtype {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
} dv_dtype;
typedef struct dv_device {
  int32_t type;
  int32_t id;
} dv_device;
typedef struct dv_tensor {
  void* data;
  dv_device device;
  int32_t ndim;
  dv_dtype dtype;
  int64_t* shape;
  int64_t* strides;
  uint64_t byte_offset;
} dv_tensor;
typedef struct dv_host {
  uint32_t size;
  int32_t max_workers;
  void* self;
  void* (*alloc)(void* self, size_t bytes, size_t alignment);
  void (*free)(void* self, void* memory);
  void (*parallel_for)(void* self, void (*task)(void*, int64_t, int32_t), void* arg,
                       int64_t chunks);
  uint64_t cpu_features;
} dv_host;
typedef struct dv_dim {
  int64_t value;
  const char* text;
  int32_t symbol;
  int32_t slot;
} dv_dim;
typedef struct dv_tensor_info {
  const char* name;
  const dv_dim* shape;
  int32_t ndim;
  dv_dtype dtype;
} dv_tensor_info;
typedef struct dv_step {
  const char* kernel;
  const char* nodes;
} dv_step;
typedef struct dv_variant {
  const char* cpu;
  uint64_t features;
  int32_t num_values;
  int32_t num_steps;
  const dv_step* steps;
  int32_t num_reserved;
  int32_t num_checks;
  const void* checks;
  int32_t (*layout)(const int64_t* dims, int64_t workers, int64_t* values);
  int32_t (*run)(const void* call);
} dv_variant;
typedef struct dv_library dv_library;
typedef struct dv_model {
  uint32_t size;
  int32_t num_inputs;
  int32_t num_outputs;
  int32_t num_dims;
  int32_t num_params;
  int32_t num_frozen;
  int32_t num_variants;
  int32_t reserved;
  const char* name;
  const dv_library* library;
  const dv_tensor_info* inputs;
  const dv_tensor_info* outputs;
  const void* dims;
  const dv_tensor_info* params;
  const dv_tensor_info* frozen;
  const dv_variant* variants;
} dv_model;
typedef struct dv_context {
  dv_host host;
  float x[4];
  float y[4];
  int64_t shape[1];
  int64_t strides[1];
} dv_context;
typedef struct dv_api {
  uint32_t size;
  uint32_t reserved;
  int32_t (*create)(const dv_model* model, const dv_host* host, dv_context** context,
                    dv_error* error);
  void (*destroy)(dv_context* context);
  const dv_model* (*model)(const dv_context* context);
  const dv_variant* (*variant)(const dv_context* context);
  int32_t (*set_input)(dv_context* context, int32_t index, const dv_tensor* tensor,
                       dv_error* error);
  int32_t (*set_input_zero_copy)(dv_context* context, int32_t index, const dv_tensor* tensor,
                                 dv_error* error);
  int32_t (*set_output_zero_copy)(dv_context* context, int32_t index, const dv_tensor* tensor,
                                  dv_error* error);
  int32_t (*run)(dv_context* context, dv_error* error);
  int32_t (*get_input)(dv_context* context, int32_t index, dv_tensor* view, dv_error* error);
  int32_t (*get_output)(dv_context* context, int32_t index, dv_tensor* view, dv_error* error);
  int32_t (*copy_output)(dv_context* context, int32_t index, const dv_tensor* tensor,
                         dv_error* error);
} dv_api;
struct dv_library {
  char magic[8];
  uint32_t abi_version;
  uint32_t size;
  const char* target;
  const char* producer;
  const dv_api* api;
  const dv_model* const* models;
  const uint8_t* weights;
  uint64_t weights_size;
  uint64_t num_models;
};

typedef char size_of_variant[sizeof(dv_variant) == 64 ? 1 : -1];
typedef char size_of_model[sizeof(dv_model) == 96 ? 1 : -1];
typedef char size_of_api[sizeof(dv_api) == 96 ? 1 : -1];
typedef char size_of_library[sizeof(dv_library) == 72 ? 1 : -1];

/* ---- The model */

static int32_t lay_out(const int64_t* dims, int64_t workers, int64_t* values) {
  (void)dims;
  (void)workers;
  values[0] = 0;
  return 0;
}
static int32_t compute(const void* call) {
  (void)call; /* this executor computes by itself */
  return 0;
}

extern const dv_library v1_library;
static const dv_dim kShape[] = {{4, NULL, -1, -1}};
static const dv_tensor_info kInput = {"x", kShape, 1, {2, 32, 1}};
static const dv_tensor_info kOutput = {"y", kShape, 1, {2, 32, 1}};
static const dv_step kStep = {"twice", "Add_0"};
#if defined(__x86_64__)
#define CPU "x86-64"
#define TARGET "x86_64-linux-gnu"
#else
#define CPU "armv8-a"
#define TARGET "aarch64-linux-gnu"
#endif
static const dv_variant kVariant = {CPU, 0, 3, 1, &kStep, 0, 0, NULL, lay_out, compute};
static const dv_model kModel = {
    sizeof(dv_model), 1,           1,       0,        0,    0,    1,    0,
    "twice",          &v1_library, &kInput, &kOutput, NULL, NULL, NULL, &kVariant};
static const dv_model* const kModels[] = {&kModel};

/* ---- The executor; callers give what is right */

static int32_t create(const dv_model* model, const dv_host* host, dv_context** context,
                      dv_error* error) {
  (void)model;
  (void)error;
  *context = host->alloc(host->self, sizeof(dv_context), 64);
  if (!*context) return 4;
  (*context)->host = *host;
  (*context)->shape[0] = 4;
  (*context)->strides[0] = 1;
  return 0;
}
static void destroy(dv_context* context) {
  if (context) context->host.free(context->host.self, context);
}
static const dv_model* model_of(const dv_context* context) {
  (void)context;
  return &kModel;
}
static const dv_variant* variant_of(const dv_context* context) {
  (void)context;
  return &kVariant;
}
static int32_t set_input(dv_context* context, int32_t index, const dv_tensor* tensor,
                         dv_error* error) {
  const float* data = (const float*)(const void*)((const char*)tensor->data + tensor->byte_offset);
  (void)index;
  (void)error;
  for (int i = 0; i < 4; ++i) context->x[i] = data[i];
  return 0;
}
static int32_t set_output(dv_context* context, int32_t index, const dv_tensor* tensor,
                          dv_error* error) {
  (void)context;
  (void)index;
  (void)tensor;
  error->code = 6;
  error->message[0] = '\0';
  return 6;
}
static int32_t run(dv_context* context, dv_error* error) {
  (void)error;
  for (int i = 0; i < 4; ++i) context->y[i] = 2 * context->x[i];
  return 0;
}
static void view_of(dv_context* context, float* data, dv_tensor* view) {
  const dv_tensor made = {data, {1, 0}, 1, {2, 32, 1}, context->shape, context->strides, 0};
  *view = made;
}
static int32_t get_input(dv_context* context, int32_t index, dv_tensor* view, dv_error* error) {
  (void)index;
  (void)error;
  view_of(context, context->x, view);
  return 0;
}
static int32_t get_output(dv_context* context, int32_t index, dv_tensor* view, dv_error* error) {
  (void)index;
  (void)error;
  view_of(context, context->y, view);
  return 0;
}
static int32_t copy_output(dv_context* context, int32_t index, const dv_tensor* tensor,
                           dv_error* error) {
  float* data = (float*)(void*)((char*)tensor->data + tensor->byte_offset);
  (void)index;
  (void)error;
  for (int i = 0; i < 4; ++i) data[i] = context->y[i];
  return 0;
}

static const dv_api kApi = {sizeof(dv_api), 0,          create,     destroy,    model_of,
                            variant_of,     set_input,  set_input,  set_output, run,
                            get_input,      get_output, copy_output};

const dv_library v1_library = {{'D', 'O', 'V', 'E', 'T', 'A', 'I', 'L'},
                               1,
                               sizeof(dv_library),
                               TARGET,
                               "by hand",
                               &kApi,
                               kModels,
                               NULL,
                               0,
                               1};

/* ---- How a loader finds the descriptor: a packed function of tvm_ffi's ABI that gives a pointer
 */

typedef struct packed_value {
  int32_t type;
  uint32_t zero;
  const void* pointer;
} packed_value;

int32_t library_function(void* self, const packed_value* args, int32_t num_args,
                         packed_value* result) __asm__("__tvm_ffi_dovetail.library");
int32_t library_function(void* self, const packed_value* args, int32_t num_args,
                         packed_value* result) {
  const packed_value made = {4, 0, &v1_library};
  (void)self;
  (void)args;
  (void)num_args;
  *result = made;
  return 0;
}
