/* The runtime in C, for programs in C and for languages that call C: what runtime.h offers for
 * libraries and executors. Link with dovetail_runtime.
 *
 *   dovetail_module* lib;
 *   dovetail_executor* executor;
 *   dv_error error;
 *   if (dovetail_module_load("mlp.so", &lib, &error) ||
 *       dovetail_executor_create(lib, "mlp", NULL, 0, &executor, &error)) puts(error.message);
 *
 * Every function that can fail returns DV_OK or the code of its error, which it writes with one
 * sentence into the caller's dv_error; DV_VALUE_ERROR: an argument is NULL that may not be.
 * Threads: as in runtime.h; a module may be used by any number of threads, an executor by one at a
 * time (DV_STATE_ERROR otherwise).
 */
#ifndef DOVETAIL_RUNTIME_C_H_
#define DOVETAIL_RUNTIME_C_H_

#include <dovetail/abi.h>

#if defined(__GNUC__)
#define DOVETAIL_C_API __attribute__((visibility("default")))
#else
#define DOVETAIL_C_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dovetail_module dovetail_module;     /* a library */
typedef struct dovetail_executor dovetail_executor; /* runs one model */
typedef struct dovetail_params dovetail_params;     /* weights by name */

/* ---- Libraries --------------------------------------------------------------------------------
 */

/* Opens an exported shared library. DV_RUNTIME_ERROR: the system cannot load it; DV_VALUE_ERROR: it
 * is not an exported library, is damaged or of another ABI version. */
DOVETAIL_C_API int32_t dovetail_module_load(const char* path, dovetail_module** module,
                                            dv_error* error);
/* A library linked into this program, as its generated header declares it. */
DOVETAIL_C_API int32_t dovetail_module_system_lib(const dv_library* library,
                                                  dovetail_module** module, dv_error* error);
/* Executors and their outputs stay valid. NULL is allowed. */
DOVETAIL_C_API void dovetail_module_release(dovetail_module* module);
/* The descriptor: models, their inputs, outputs, dims; lives as long as the module. For a
 * NULL module NULL. */
DOVETAIL_C_API const dv_library* dovetail_module_library(const dovetail_module* module);

/* ---- Executors --------------------------------------------------------------------------------
 */

/* `model` is a name, or NULL for the first model. `devices`: where it runs; none means the CPU.
 * DV_KEY_ERROR lists the models, DV_VALUE_ERROR the devices there are. */
DOVETAIL_C_API int32_t dovetail_executor_create(dovetail_module* module, const char* model,
                                                const dv_device* devices, int32_t num_devices,
                                                dovetail_executor** executor, dv_error* error);
DOVETAIL_C_API void dovetail_executor_release(dovetail_executor* executor); /* NULL is allowed */
/* For a NULL executor NULL. */
DOVETAIL_C_API const dv_model* dovetail_executor_model(const dovetail_executor* executor);
/* The index that the functions below take; DV_KEY_ERROR lists the names. */
DOVETAIL_C_API int32_t dovetail_input_index(const dovetail_executor* executor, const char* name,
                                            int32_t* index, dv_error* error);
DOVETAIL_C_API int32_t dovetail_output_index(const dovetail_executor* executor, const char* name,
                                             int32_t* index, dv_error* error);

/* Copies the tensor in; any strides. */
DOVETAIL_C_API int32_t dovetail_set_input(dovetail_executor* executor, int32_t index,
                                          const dv_tensor* tensor, dv_error* error);
/* Reads the tensor's memory (compact, row-major) at each run until the input is set again; the
 * caller keeps it alive. */
DOVETAIL_C_API int32_t dovetail_set_input_zero_copy(dovetail_executor* executor, int32_t index,
                                                    const dv_tensor* tensor, dv_error* error);
/* Writes the output into the tensor's memory at each run; NULL ends that. */
DOVETAIL_C_API int32_t dovetail_set_output_zero_copy(dovetail_executor* executor, int32_t index,
                                                     const dv_tensor* tensor, dv_error* error);
DOVETAIL_C_API int32_t dovetail_run(dovetail_executor* executor, dv_error* error);
/* As run; tells the observer of every step (abi.h, dv_observer), which may end the run. It must not
 * use the executor. */
DOVETAIL_C_API int32_t dovetail_run_observed(dovetail_executor* executor,
                                             const dv_observer* observer, dv_error* error);
/* Views of the executor's memory, valid until the next run, set_input of that index or release. */
DOVETAIL_C_API int32_t dovetail_get_input(dovetail_executor* executor, int32_t index,
                                          dv_tensor* view, dv_error* error);
DOVETAIL_C_API int32_t dovetail_get_output(dovetail_executor* executor, int32_t index,
                                           dv_tensor* view, dv_error* error);
/* Copies the output into a tensor of its dtype and shape; any strides. */
DOVETAIL_C_API int32_t dovetail_copy_output(dovetail_executor* executor, int32_t index,
                                            const dv_tensor* tensor, dv_error* error);

/* ---- Without an executor ----------------------------------------------------------------------
 */

/* Runs `model` (NULL: the first) on all its inputs, in order, and copies every output into the
 * caller's tensor of its dtype and shape. Any number of threads may call it at once. */
DOVETAIL_C_API int32_t dovetail_call(dovetail_module* module, const char* model,
                                     const dv_tensor* inputs, int32_t num_inputs,
                                     const dv_tensor* outputs, int32_t num_outputs,
                                     dv_error* error);
/* ---- Params -----------------------------------------------------------------------------------
 */

/* Weights by their ONNX names, for libraries that do not package them. */
DOVETAIL_C_API int32_t dovetail_params_create(dovetail_params** params, dv_error* error);
/* From a safetensors file, which is mapped. DV_RUNTIME_ERROR: the system cannot read it;
 * DV_VALUE_ERROR: it breaks the format. */
DOVETAIL_C_API int32_t dovetail_params_load(const char* path, dovetail_params** params,
                                            dv_error* error);
DOVETAIL_C_API void dovetail_params_release(dovetail_params* params); /* NULL is allowed */
/* Adds a tensor, or puts it in another's place; the caller keeps its memory alive until the params
 * are released. */
DOVETAIL_C_API int32_t dovetail_params_set(dovetail_params* params, const char* name,
                                           const dv_tensor* tensor, dv_error* error);
/* A view, valid as long as the params hold the tensor. DV_KEY_ERROR: there is none of that name. */
DOVETAIL_C_API int32_t dovetail_params_get(const dovetail_params* params, const char* name,
                                           dv_tensor* view, dv_error* error);
/* As a safetensors file. */
DOVETAIL_C_API int32_t dovetail_params_save(const dovetail_params* params, const char* path,
                                            dv_error* error);
/* For the executors of this model (NULL: the first) that are made from now on. DV_VALUE_ERROR names
 * what does not fit, DV_STATE_ERROR: the library has its params. The params may be released
 * afterwards. */
DOVETAIL_C_API int32_t dovetail_module_load_params(dovetail_module* module, const char* model,
                                                   const dovetail_params* params, dv_error* error);
/* For this executor alone. */
DOVETAIL_C_API int32_t dovetail_load_params(dovetail_executor* executor,
                                            const dovetail_params* params, dv_error* error);
/* Uses what another executor of the same model uses, without a copy. */
DOVETAIL_C_API int32_t dovetail_share_params(dovetail_executor* executor,
                                             const dovetail_executor* other, dv_error* error);

/* ---- Threads ----------------------------------------------------------------------------------
 */

/* How many threads, the caller's included, the executors made from now on use: 1 to 1024. */
DOVETAIL_C_API int32_t dovetail_set_num_threads(int32_t threads, dv_error* error);
DOVETAIL_C_API int32_t dovetail_num_threads(void); /* 0: DOVETAIL_NUM_THREADS is no number */
/* This executor uses at most `threads` of those it was made with, from its next run on. */
DOVETAIL_C_API int32_t dovetail_executor_set_num_threads(dovetail_executor* executor,
                                                         int32_t threads, dv_error* error);

#ifdef __cplusplus
}
#endif

#endif /* DOVETAIL_RUNTIME_C_H_ */
