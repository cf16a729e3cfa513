/* SPDX-License-Identifier: Apache-2.0 WITH the exception in LICENSE-EXCEPTION
 *
 * The contract between a library that Dovetail exports and whoever calls it. Plain C99, no
 * dependency but <stdint.h> and <stddef.h>. The code generator, the executor inside every library,
 * the C++ runtime and the generated typed headers all include this file and nothing of each other.
 *
 * What a library offers:
 *   const dv_library <prefix>_library      the one global of an object or archive, and of a shared
 *                                          library beside the __tvm_ffi_* functions
 *   __tvm_ffi_dovetail.library             shared libraries: a packed function without arguments
 *                                          that returns the address of that descriptor, so that a
 *                                          loader needs to know no prefix
 *   __tvm_ffi_<model>, __tvm_ffi_default   shared libraries: factories for tvm_ffi callers
 *   __tvm_ffi_<model>.run, __tvm_ffi_default.run   the same: the model as a function of tensors
 * Everything else is reached through the descriptor.
 *
 * Units: sizes and offsets are bytes unless a comment says elements. Text is UTF-8, ends in NUL and
 * lives as long as the library. Structures that the library fills start with their size in bytes,
 * so that a later version may append fields: a reader looks at a field only if `size` covers it.
 *
 * Threads: descriptors are immutable; any number of threads may read them and create contexts at
 * once. A context belongs to one caller at a time.
 */
#ifndef DOVETAIL_ABI_H_
#define DOVETAIL_ABI_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised when something that is already there changes its meaning; appended fields do not raise it.
 */
#define DV_ABI_VERSION 2

/* ---- Errors ---------------------------------------------------------------------------------- */

/* Every function that can fail returns one of these and, when not DV_OK, has written it and one
 * sentence into the caller's dv_error. The names follow the Python exceptions they become. */
enum {
  DV_OK = 0,
  DV_VALUE_ERROR = 1,   /* a shape, extent or argument that does not fit */
  DV_TYPE_ERROR = 2,    /* a dtype or kind of argument that does not fit */
  DV_KEY_ERROR = 3,     /* a name or index that is not there */
  DV_MEMORY_ERROR = 4,  /* the host's allocator returned NULL, or there is none */
  DV_RUNTIME_ERROR = 5, /* this machine cannot run the library (CPU, device, version) */
  DV_STATE_ERROR = 6    /* a call out of order: run before every input is set, ... */
};

typedef struct dv_error {
  int32_t code;
  char message[508]; /* always NUL-terminated; longer text is cut */
} dv_error;

/* ---- Tensors: the memory layout of DLPack's DLTensor ------------------------------------------
 */

enum { DV_INT = 0, DV_UINT = 1, DV_FLOAT = 2, DV_BFLOAT = 4, DV_BOOL = 6 }; /* dv_dtype.code */
enum { DV_CPU = 1 };                                                        /* dv_device.type */

typedef struct dv_dtype {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes; /* 1 */
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
  int64_t* shape;   /* NULL when ndim is 0 */
  int64_t* strides; /* elements; NULL means row-major and compact */
  uint64_t byte_offset;
} dv_tensor;

/* ---- What the host supplies -------------------------------------------------------------------
 */

/* One chunk of parallel work. `worker` is the index of the executing worker, below max_workers; two
 * chunks that run at the same moment have different workers. */
typedef void (*dv_task)(void* arg, int64_t chunk, int32_t worker);

/* Given when a context is created, copied into it, and used by that context only. */
typedef struct dv_host {
  uint32_t size;       /* sizeof(dv_host) */
  int32_t max_workers; /* workers that parallel_for uses at most; 0 and 1 mean serial */
  void* self;          /* passed back to every function below */
  /* Memory of `bytes` bytes aligned to `alignment` (a power of two, at most 4096); NULL: none left.
   */
  void* (*alloc)(void* self, size_t bytes, size_t alignment);
  void (*free)(void* self, void* memory);
  /* Runs task(arg, 0..chunks-1, worker) in any order and returns when all are done. NULL: serial.
   * Workers must run in the caller's floating-point rounding and denormal mode. */
  void (*parallel_for)(void* self, dv_task task, void* arg, int64_t chunks);
  /* DV_X86_* or DV_ARM_* bits that may be used; 0 lets the library ask the CPU itself. */
  uint64_t cpu_features;
} dv_host;

/* CPU features, as bits. A variant lists those it needs; one that is absent is named in the error.
 */
#define DV_X86_SSE3 (UINT64_C(1) << 0)
#define DV_X86_SSSE3 (UINT64_C(1) << 1)
#define DV_X86_SSE4_1 (UINT64_C(1) << 2)
#define DV_X86_SSE4_2 (UINT64_C(1) << 3)
#define DV_X86_POPCNT (UINT64_C(1) << 4)
#define DV_X86_CX16 (UINT64_C(1) << 5)
#define DV_X86_LAHF (UINT64_C(1) << 6)
#define DV_X86_AVX (UINT64_C(1) << 7)
#define DV_X86_AVX2 (UINT64_C(1) << 8)
#define DV_X86_BMI1 (UINT64_C(1) << 9)
#define DV_X86_BMI2 (UINT64_C(1) << 10)
#define DV_X86_F16C (UINT64_C(1) << 11)
#define DV_X86_FMA (UINT64_C(1) << 12)
#define DV_X86_LZCNT (UINT64_C(1) << 13)
#define DV_X86_MOVBE (UINT64_C(1) << 14)
#define DV_X86_AVX512F (UINT64_C(1) << 15)
#define DV_X86_AVX512BW (UINT64_C(1) << 16)
#define DV_X86_AVX512CD (UINT64_C(1) << 17)
#define DV_X86_AVX512DQ (UINT64_C(1) << 18)
#define DV_X86_AVX512VL (UINT64_C(1) << 19)
#define DV_X86_AVX512VNNI (UINT64_C(1) << 20)
#define DV_X86_AVX512BF16 (UINT64_C(1) << 21)
#define DV_ARM_NEON (UINT64_C(1) << 0)
#define DV_ARM_DOTPROD (UINT64_C(1) << 1)
#define DV_ARM_FP16 (UINT64_C(1) << 2)

/* ---- The descriptor ----------------------------------------------------------------------------
 */

typedef struct dv_library dv_library;
typedef struct dv_model dv_model;
typedef struct dv_context dv_context;
typedef struct dv_observer dv_observer;

/* One extent of a shape. */
typedef struct dv_dim {
  int64_t value;    /* the extent, or -1 when it is symbolic */
  const char* text; /* symbolic: the expression, "batch" or "floordiv(h + 1, 2)"; else NULL */
  int32_t symbol;   /* index into dv_model.dims when the expression is that symbol alone;
                       DV_DATA_DEPENDENT when only run knows the extent; else -1 */
  int32_t slot;     /* symbolic: index into dv_call.values, written by layout or run; else -1 */
} dv_dim;

enum { DV_DATA_DEPENDENT = -2 };

typedef struct dv_tensor_info {
  const char* name; /* as in the ONNX file */
  const dv_dim* shape;
  int32_t ndim;
  dv_dtype dtype;
} dv_tensor_info;

/* A symbolic dimension; bounds are inclusive. */
typedef struct dv_symbol {
  const char* name;
  int64_t min;
  int64_t max;
} dv_symbol;

/* A number >= 0 of an observed run: itself, or, when it is negative, dv_call.values[-1 - amount],
 * which run_observed has written when it tells of the step. */
typedef int64_t dv_amount;

/* A tensor that lies in memory when a step has run; the next step may overwrite it. */
typedef struct dv_result {
  const char* name; /* the ONNX name; in a body behind the path of its node: "Loop_3/sum" */
  dv_dtype dtype;
  int32_t ndim;
  int32_t memory;  /* DV_MEMORY_* */
  int32_t index;   /* DV_MEMORY_IO, DV_MEMORY_RESERVED: entry of dv_call.io or dv_call.reserved */
  int32_t extents; /* where its shape (elements) begins in dv_variant.amounts; its strides follow */
  int32_t reserved;
  dv_amount offset; /* bytes from the start of that memory */
} dv_result;
enum { DV_MEMORY_IO = 0, DV_MEMORY_WORKSPACE = 1, DV_MEMORY_RESERVED = 2 };

/* One step of the plan: one call of a kernel. Where several steps compute a node, its work and its
 * results are those of the last one. */
typedef struct dv_step {
  const char* kernel;
  const char* nodes;     /* names of the ONNX nodes it computes: "Conv_0, Relu_1" */
  const char* operators; /* their types: "Conv, Relu" */
  int32_t iteration;     /* index into dv_call.values of the number of the iteration, from 0, of the
                            innermost loop it is in; -1 outside of loops */
  int32_t num_results;
  int32_t first_result; /* in dv_variant.results */
  int32_t reserved;
  dv_amount flops; /* arithmetic on floats; a convolution's windows count whole */
  dv_amount bytes; /* of operands and results, each once */
} dv_step;

/* Something that must hold for the extents of a run. Two numbers, `given` and `expected`, are
 * computed; when the relation is not true of them the run fails with an error that names them. */
typedef struct dv_check {
  int32_t relation; /* DV_EQUAL, DV_AT_LEAST, DV_AT_MOST */
  int32_t reserved;
  const char* nodes;    /* the ONNX nodes that need it; "" for none */
  const char* text;     /* of what it must hold: "shapes [n] and [m] cannot be broadcast"; or "" */
  const char* given;    /* the expressions that gave the numbers: "n" */
  const char* expected; /* NULL when that is a constant */
} dv_check;
enum { DV_EQUAL = 0, DV_AT_LEAST = 1, DV_AT_MOST = 2 };

/* What the compiled run function sees. Pointers only, so that a field's place is its index times
 * the size of a pointer on every target. */
typedef struct dv_call {
  int64_t* values;    /* as written by layout; run adds the values that depend on data */
  void** io;          /* inputs in order, then outputs: compact, row-major. Data-dependent outputs
                         are set by dovetail_reserve_output */
  uint8_t* workspace; /* values[DV_VALUE_WORKSPACE] bytes, aligned to DV_ALIGNMENT */
  const uint8_t* weights; /* the prepared params */
  const dv_host* host;
  uint8_t** reserved; /* num_reserved buffers whose sizes depend on data; NULL: none yet */
  dv_context* context;
  const dv_observer* observer; /* of run_observed; NULL for run */
} dv_call;
enum {
  DV_CALL_VALUES = 0,
  DV_CALL_IO = 1,
  DV_CALL_WORKSPACE = 2,
  DV_CALL_WEIGHTS = 3,
  DV_CALL_HOST = 4,
  DV_CALL_RESERVED = 5,
  DV_CALL_CONTEXT = 6,
  DV_CALL_OBSERVER = 7
};

/* Who watches a run. */
struct dv_observer {
  uint32_t size; /* sizeof(dv_observer) */
  uint32_t reserved;
  void* self;
  /* Told after every step, on the caller's thread; `step` is its index in dv_variant.steps. Its
   * results lie where dv_result says. Another value than 0 ends the run. */
  int32_t (*after_step)(void* self, const dv_call* call, int32_t step);
};

/* Alignment of the workspace, of every slot in it and of every tensor in the weights. */
#define DV_ALIGNMENT 64

/* values: the size of the workspace, then the two numbers of a check that failed. Symbolic extents
 * follow, those of outputs at dv_dim.slot. */
enum { DV_VALUE_WORKSPACE = 0, DV_VALUE_GIVEN = 1, DV_VALUE_EXPECTED = 2, DV_FIRST_SLOT = 3 };

/* Status of layout and run: a number that they compute does not fit into 63 bits. */
enum { DV_TOO_LARGE = INT32_MIN };

/* Code for one CPU level. */
typedef struct dv_variant {
  const char* cpu;   /* "x86-64-v4" */
  uint64_t features; /* DV_X86_* or DV_ARM_* bits that it needs */
  int32_t num_values;
  int32_t num_steps;
  const dv_step* steps;
  int32_t num_reserved; /* entries of dv_call.reserved */
  int32_t num_checks;
  const dv_check* checks;
  /* Both give 0, or 1 + the index of the check that failed, with its numbers in
   * values[DV_VALUE_GIVEN] and values[DV_VALUE_EXPECTED], or DV_TOO_LARGE, or the negative status
   * of a function of the executor that failed and has written the error.
   *
   * layout evaluates every shape expression of the plan that the inputs' extents decide. dims: one
   * extent per dv_model.dims, within its bounds; workers >= 1; values: num_values entries. */
  int32_t (*layout)(const int64_t* dims, int64_t workers, int64_t* values);
  /* run computes the outputs. Reads and writes only what `call` points to, and memory that it
   * reserves. Without data-dependent extents it reserves none. */
  int32_t (*run)(const dv_call* call);
  /* The same steps on the same kernels; tells call->observer of each. */
  int32_t (*run_observed)(const dv_call* call);
  const dv_result* results;
  const dv_amount* amounts;
  int32_t num_results;
  int32_t num_amounts;
} dv_variant;

/* How params become prepared ones, in a library that does not package them. The code is the same
 * for every CPU level and gives the same bytes on every machine. */
typedef struct dv_prepare {
  int64_t weights_size; /* bytes of the prepared params */
  int32_t num_values;
  int32_t num_constants;
  const void* const* constants; /* that the code reads beside the params */
  const uint8_t* const* frozen; /* the values of dv_model.frozen, compact */
  /* As in dv_variant; there are no dims and no checks. */
  int32_t (*layout)(const int64_t* dims, int64_t workers, int64_t* values);
  /* io: the params in the order of dv_model.params, then the constants, all compact. Fills
   * call->weights. */
  int32_t (*run)(const dv_call* call);
} dv_prepare;

struct dv_model {
  uint32_t size; /* sizeof(dv_model) of the compiler that made it */
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
  const dv_symbol* dims;
  const dv_tensor_info* params; /* the original weights, by ONNX name */
  const dv_tensor_info* frozen; /* initializers whose value shaped the code */
  const dv_variant* variants;   /* most demanding first */
  const dv_prepare* prepare;    /* NULL: the params are packaged, prepared, in library->weights */
};

/* The executor's entry points, the same for every model of a library. All take a context that this
 * library created. Tensors are of device DV_CPU; any strides are accepted where a copy is made. */
typedef struct dv_api {
  uint32_t size; /* sizeof(dv_api) */
  uint32_t reserved;
  /* Makes a context: picks the variant for this CPU, allocates through host->alloc. `host` is
   * copied. DV_RUNTIME_ERROR names the missing CPU feature, DV_MEMORY_ERROR a host without memory.
   */
  int32_t (*create)(const dv_model* model, const dv_host* host, dv_context** context,
                    dv_error* error);
  void (*destroy)(dv_context* context); /* NULL is allowed */
  const dv_model* (*model)(const dv_context* context);
  const dv_variant* (*variant)(const dv_context* context);
  /* Copies the tensor in. Checks index, device, dtype, rank and extents. */
  int32_t (*set_input)(dv_context* context, int32_t index, const dv_tensor* tensor,
                       dv_error* error);
  /* Borrows the tensor's memory until the input is set again or the context is destroyed; it must
   * be compact and row-major. */
  int32_t (*set_input_zero_copy)(dv_context* context, int32_t index, const dv_tensor* tensor,
                                 dv_error* error);
  /* The next runs write output `index` into the tensor's memory (compact, row-major; its shape is
   * checked by run, for data-dependent extents as soon as they are known). NULL gives the output
   * back to the context. */
  int32_t (*set_output_zero_copy)(dv_context* context, int32_t index, const dv_tensor* tensor,
                                  dv_error* error);
  int32_t (*run)(dv_context* context, dv_error* error);
  /* Views of the context's own memory: `data`, `shape`, `strides` of *view stay valid until the
   * next run, set_input of that index or destroy. get_output before the first run is
   * DV_STATE_ERROR. */
  int32_t (*get_input)(dv_context* context, int32_t index, dv_tensor* view, dv_error* error);
  int32_t (*get_output)(dv_context* context, int32_t index, dv_tensor* view, dv_error* error);
  /* Copies output `index` into the caller's tensor of the same dtype and shape, any strides. */
  int32_t (*copy_output)(dv_context* context, int32_t index, const dv_tensor* tensor,
                         dv_error* error);
  /* As run, watched. A run that the observer ends gives DV_OK and leaves the outputs without a
   * result. */
  int32_t (*run_observed)(dv_context* context, const dv_observer* observer, dv_error* error);
  /* The three below are for models whose params are not packaged (model->prepare); for others they
   * are DV_STATE_ERROR. `tensors`: one for each of model->params, then one for each of
   * model->frozen; NULL: not given, which is a fault of a param only. Any strides.
   *
   * Finds what does not fit in `tensors`, from entry *next on (0 at first): a param that is
   * missing, of another dtype or shape, or a frozen value that is not the library's. Gives DV_OK
   * when nothing is left, else writes one fault and sets *next behind it. */
  int32_t (*check_params)(const dv_model* model, const dv_tensor* const* tensors, int32_t* next,
                          dv_error* fault);
  /* Prepares params: fills `weights`, model->prepare->weights_size bytes aligned to DV_ALIGNMENT,
   * whose bytes any number of contexts may then use. Memory and threads are taken from `host` for
   * the time of the call. DV_VALUE_ERROR names every fault of `tensors`, as far as there is room;
   * `weights` is then as before. */
  int32_t (*prepare_params)(const dv_model* model, const dv_host* host,
                            const dv_tensor* const* tensors, uint8_t* weights, dv_error* error);
  /* The next runs use these prepared params, which prepare_params made for the same model; they are
   * borrowed until they are set again or the context is destroyed. Before the first time, run is
   * DV_STATE_ERROR. */
  int32_t (*set_params)(dv_context* context, const uint8_t* weights, dv_error* error);
} dv_api;

struct dv_library {
  char magic[8];        /* DV_MAGIC */
  uint32_t abi_version; /* DV_ABI_VERSION of the compiler that made it */
  uint32_t size;        /* sizeof(dv_library) of that compiler */
  const char* target;   /* "x86_64-linux-gnu" */
  const char* producer; /* "dovetail 0.1.0" */
  const dv_api* api;
  const dv_model* const* models; /* the first one is the default */
  const uint8_t* weights;        /* prepared params of all models, and what prepare functions and
                                    checks of frozen values read; NULL when there is nothing */
  uint64_t weights_size;
  uint64_t num_models;
};
#define DV_MAGIC "DOVETAIL"

/* ---- What generated code may call in the executor (hidden inside one library) ------------------
 */

/* Runs the task for every chunk: through call->host->parallel_for when there is one, more than one
 * worker and more than one chunk, else here, as worker 0. */
void dovetail_parallel_for(const dv_call* call, dv_task task, void* arg, int64_t chunks);
/* Memory whose size depends on data; it is kept for later runs. All three give 0, or a negative
 * status when there is no memory or an output's extents do not fit what the caller set for it; the
 * error is then written.
 *
 * Makes call->reserved[index] hold at least `bytes`; what it held is lost. */
int32_t dovetail_reserve(const dv_call* call, int64_t index, int64_t bytes);
/* The same, but what it held is kept, and capacity at least doubles where it grows. */
int32_t dovetail_grow(const dv_call* call, int64_t index, int64_t bytes);
/* Sets call->io for output `index`, whose extents run has written to their slots. */
int32_t dovetail_reserve_output(const dv_call* call, int64_t index);
/* Tells the observer of a step; a negative status when it ends the run. */
int32_t dovetail_observe(const dv_call* call, int64_t step);
/* The value of dv_library.api. */
extern const dv_api dovetail_api;
/* Bodies of the packed functions of tvm_ffi's C ABI (args and result are TVMFFIAny). */
int32_t dovetail_ffi_factory(const dv_model* model, const void* args, int32_t num_args,
                             void* result);
int32_t dovetail_ffi_run(const dv_model* model, const void* args, int32_t num_args, void* result);
int32_t dovetail_ffi_library(const dv_library* library, const void* args, int32_t num_args,
                             void* result);

#ifdef __cplusplus
}
#endif

/* Layout asserts without C11, for 64-bit targets. */
#if UINTPTR_MAX == UINT64_MAX
typedef char dv_assert_error[sizeof(dv_error) == 512 ? 1 : -1];
typedef char dv_assert_tensor[sizeof(dv_tensor) == 48 ? 1 : -1];
typedef char dv_assert_host[sizeof(dv_host) == 48 ? 1 : -1];
typedef char dv_assert_dim[sizeof(dv_dim) == 24 ? 1 : -1];
typedef char dv_assert_tensor_info[sizeof(dv_tensor_info) == 24 ? 1 : -1];
typedef char dv_assert_check[sizeof(dv_check) == 40 ? 1 : -1];
typedef char dv_assert_result[sizeof(dv_result) == 40 ? 1 : -1];
typedef char dv_assert_step[sizeof(dv_step) == 56 ? 1 : -1];
typedef char dv_assert_call[sizeof(dv_call) == 64 ? 1 : -1];
typedef char dv_assert_observer[sizeof(dv_observer) == 24 ? 1 : -1];
typedef char dv_assert_variant[sizeof(dv_variant) == 96 ? 1 : -1];
typedef char dv_assert_prepare[sizeof(dv_prepare) == 48 ? 1 : -1];
typedef char dv_assert_model[sizeof(dv_model) == 104 ? 1 : -1];
typedef char dv_assert_api[sizeof(dv_api) == 128 ? 1 : -1];
typedef char dv_assert_library[sizeof(dv_library) == 72 ? 1 : -1];
#endif

#endif /* DOVETAIL_ABI_H_ */
