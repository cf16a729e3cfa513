/* A library written by hand: what the compiler emits for two tiny models. It is linked with the
 * executor like any other, so that loaders, the executor and the tvm_ffi face are tested without a
 * compiler.
 *
 *   scale: y[batch,4] = x[batch,4] * w[4]      batch in 1..8; one chunk per row; rows pass the
 *          workspace
 *   add:   z[n,3] = a[n,3] + b[n,3]            n is shared by both inputs
 *   shift: y[4] = x[4] + p[4]                  p = 2 * bias[4] + 1 is prepared from params that are
 *          not packaged; the frozen value `axes` is [0, 1]
 */
#include <dovetail/abi.h>

#define WIDTH 4

/* Weights as the compiler lays them out: read-only and page-aligned. */
static const float kWeights[1024] __attribute__((aligned(4096))) = {1.0f, -2.0f, 0.5f, 10.0f};

/* values: the extent of the output's first axis comes first. */
static int32_t scale_layout(const int64_t* dims, int64_t workers, int64_t* values) {
  (void)workers;
  values[DV_VALUE_WORKSPACE] = dims[0] * WIDTH * (int64_t)sizeof(float);
  values[DV_FIRST_SLOT] = dims[0];
  return 0;
}

/* What only an observed run writes: flops and bytes. */
enum { FLOPS = DV_FIRST_SLOT + 1, BYTES, SCALE_VALUES };

static void scale_row(void* arg, int64_t chunk, int32_t worker) {
  const dv_call* call = (const dv_call*)arg;
  const float* x = (const float*)call->io[0] + chunk * WIDTH;
  float* y = (float*)call->io[1] + chunk * WIDTH;
  float* row = (float*)call->workspace + chunk * WIDTH;
  const float* w = (const float*)call->weights;
  (void)worker;
  for (int i = 0; i < WIDTH; ++i) row[i] = x[i] * w[i];
  for (int i = 0; i < WIDTH; ++i) y[i] = row[i];
}

static int32_t scale_run(const dv_call* call) {
  dovetail_parallel_for(call, scale_row, (void*)call, call->values[DV_FIRST_SLOT]);
  return 0;
}

static int32_t scale_run_observed(const dv_call* call) {
  const int64_t count = call->values[DV_FIRST_SLOT] * WIDTH;
  scale_run(call);
  call->values[FLOPS] = count;
  call->values[BYTES] = 2 * count * (int64_t)sizeof(float);
  return dovetail_observe(call, 0);
}

static int32_t add_layout(const int64_t* dims, int64_t workers, int64_t* values) {
  (void)workers;
  values[DV_VALUE_WORKSPACE] = 0;
  values[DV_FIRST_SLOT] = dims[0];
  return 0;
}

static int32_t add_run(const dv_call* call) {
  const float* a = (const float*)call->io[0];
  const float* b = (const float*)call->io[1];
  float* z = (float*)call->io[2];
  for (int64_t i = 0; i < call->values[DV_FIRST_SLOT] * 3; ++i) z[i] = a[i] + b[i];
  return 0;
}

/* Without work to report, and without results. */
static int32_t add_run_observed(const dv_call* call) {
  add_run(call);
  return dovetail_observe(call, 0);
}

static int32_t shift_layout(const int64_t* dims, int64_t workers, int64_t* values) {
  (void)dims;
  (void)workers;
  values[DV_VALUE_WORKSPACE] = 0;
  return 0;
}

static int32_t shift_run(const dv_call* call) {
  const float* x = (const float*)call->io[0];
  const float* p = (const float*)call->weights;
  float* y = (float*)call->io[1];
  for (int i = 0; i < WIDTH; ++i) y[i] = x[i] + p[i];
  return 0;
}

static int32_t shift_run_observed(const dv_call* call) {
  shift_run(call);
  return dovetail_observe(call, 0);
}

/* Doubles pass the workspace. */
static int32_t shift_prepare_layout(const int64_t* dims, int64_t workers, int64_t* values) {
  (void)dims;
  (void)workers;
  values[DV_VALUE_WORKSPACE] = WIDTH * (int64_t)sizeof(float);
  return 0;
}

static void shift_prepare_element(void* arg, int64_t chunk, int32_t worker) {
  const dv_call* call = (const dv_call*)arg;
  float* doubled = (float*)call->workspace + chunk;
  (void)worker;
  *doubled = 2 * ((const float*)call->io[0])[chunk];
  ((float*)(uintptr_t)call->weights)[chunk] = *doubled + *(const float*)call->io[2];
}

static int32_t shift_prepare(const dv_call* call) {
  dovetail_parallel_for(call, shift_prepare_element, (void*)call, WIDTH);
  return 0;
}

/* Never run where the feature is masked. */
static int32_t scale_run_wide(const dv_call* call) { return scale_run(call); }

#define FLOATS {DV_FLOAT, 32, 1}

static const dv_dim kScaleShape[] = {{-1, "batch", 0, DV_FIRST_SLOT}, {WIDTH, NULL, -1, -1}};
static const dv_dim kAddShape[] = {{-1, "n", 0, DV_FIRST_SLOT}, {3, NULL, -1, -1}};
static const dv_dim kWeightShape[] = {{WIDTH, NULL, -1, -1}};
static const dv_tensor_info kScaleInputs[] = {{"x", kScaleShape, 2, FLOATS}};
static const dv_tensor_info kScaleOutputs[] = {{"y", kScaleShape, 2, FLOATS}};
static const dv_tensor_info kScaleParams[] = {{"w", kWeightShape, 1, FLOATS}};
static const dv_tensor_info kAddInputs[] = {{"a", kAddShape, 2, FLOATS},
                                            {"b", kAddShape, 2, FLOATS}};
static const dv_tensor_info kAddOutputs[] = {{"z", kAddShape, 2, FLOATS}};
static const dv_dim kAxesShape[] = {{2, NULL, -1, -1}};
static const dv_tensor_info kShiftInputs[] = {{"x", kWeightShape, 1, FLOATS}};
static const dv_tensor_info kShiftOutputs[] = {{"y", kWeightShape, 1, FLOATS}};
static const dv_tensor_info kShiftParams[] = {{"bias", kWeightShape, 1, FLOATS},
                                              {"unused", kAxesShape, 1, FLOATS}};
static const dv_tensor_info kShiftFrozen[] = {{"axes", kAxesShape, 1, {DV_INT, 64, 1}}};
static const dv_symbol kScaleDims[] = {{"batch", 1, 8}};
static const dv_symbol kAddDims[] = {{"n", 0, INT64_MAX}};
static const dv_step kScaleSteps[] = {
    {"scale_rows", "Mul_0", "Mul", -1, 2, 0, 0, -1 - FLOPS, -1 - BYTES}};
static const dv_step kAddSteps[] = {{"add", "Add_0", "Add", -1, 0, 0, 0, 0, 0}};
static const dv_step kShiftSteps[] = {{"shift", "Add_0", "Add", -1, 0, 0, 0, 0, 0}};
/* Shape and strides of both results. */
static const dv_amount kScaleAmounts[] = {-1 - DV_FIRST_SLOT, WIDTH, WIDTH, 1};
static const dv_result kScaleResults[] = {{"rows", FLOATS, 2, DV_MEMORY_WORKSPACE, 0, 0, 0, 0},
                                          {"y", FLOATS, 2, DV_MEMORY_IO, 1, 0, 0, 0}};

#if defined(__x86_64__)
#define WIDE_CPU "x86-64+sse4.2"
#define WIDE_FEATURES DV_X86_SSE4_2
#define BASE_CPU "x86-64"
#else
#define WIDE_CPU "armv8-a+dotprod"
#define WIDE_FEATURES DV_ARM_DOTPROD
#define BASE_CPU "armv8-a"
#endif

#define SCALE_WATCHED scale_run_observed, kScaleResults, kScaleAmounts, 2, 4

static const dv_variant kScaleVariants[] = {
    {WIDE_CPU, WIDE_FEATURES, SCALE_VALUES, 1, kScaleSteps, 0, 0, NULL, scale_layout,
     scale_run_wide, SCALE_WATCHED},
    {BASE_CPU, 0, SCALE_VALUES, 1, kScaleSteps, 0, 0, NULL, scale_layout, scale_run,
     SCALE_WATCHED}};
/* Only a variant that the test can take away; every machine that runs tests has it. */
static const dv_variant kAddVariants[] = {{WIDE_CPU, WIDE_FEATURES, DV_FIRST_SLOT + 1, 1, kAddSteps,
                                           0, 0, NULL, add_layout, add_run, add_run_observed, NULL,
                                           NULL, 0, 0}};

static const dv_variant kShiftVariants[] = {{BASE_CPU, 0, DV_FIRST_SLOT, 1, kShiftSteps, 0, 0, NULL,
                                             shift_layout, shift_run, shift_run_observed, NULL,
                                             NULL, 0, 0}};

static const float kOne = 1.0f;
static const void* const kShiftConstants[] = {&kOne};
static const int64_t kAxes[] = {0, 1};
static const uint8_t* const kShiftFrozenValues[] = {(const uint8_t*)kAxes};
static const dv_prepare kShiftPrepare = {
    WIDTH * sizeof(float), DV_FIRST_SLOT, 1, kShiftConstants, kShiftFrozenValues,
    shift_prepare_layout,  shift_prepare};

extern const dv_library specimen_library;
static const dv_model kScale = {sizeof(dv_model),
                                1,
                                1,
                                1,
                                1,
                                0,
                                2,
                                0,
                                "scale",
                                &specimen_library,
                                kScaleInputs,
                                kScaleOutputs,
                                kScaleDims,
                                kScaleParams,
                                NULL,
                                kScaleVariants,
                                NULL};
static const dv_model kAdd = {sizeof(dv_model),
                              2,
                              1,
                              1,
                              0,
                              0,
                              1,
                              0,
                              "add",
                              &specimen_library,
                              kAddInputs,
                              kAddOutputs,
                              kAddDims,
                              NULL,
                              NULL,
                              kAddVariants,
                              NULL};
static const dv_model kShift = {sizeof(dv_model),
                                1,
                                1,
                                0,
                                2,
                                1,
                                1,
                                0,
                                "shift",
                                &specimen_library,
                                kShiftInputs,
                                kShiftOutputs,
                                NULL,
                                kShiftParams,
                                kShiftFrozen,
                                kShiftVariants,
                                &kShiftPrepare};
static const dv_model* const kModels[] = {&kScale, &kAdd, &kShift};

#define EXPORT __attribute__((visibility("default")))

#ifndef SPECIMEN_ABI_VERSION
#define SPECIMEN_ABI_VERSION DV_ABI_VERSION
#endif

EXPORT const dv_library specimen_library = {{'D', 'O', 'V', 'E', 'T', 'A', 'I', 'L'},
                                            SPECIMEN_ABI_VERSION,
                                            sizeof(dv_library),
#if defined(__x86_64__)
                                            "x86_64-linux-gnu",
#else
                                            "aarch64-linux-gnu",
#endif
                                            "by hand",
                                            &dovetail_api,
                                            kModels,
                                            (const uint8_t*)kWeights,
                                            sizeof(kWeights),
                                            3};

#ifdef SPECIMEN_PACKED
EXPORT int32_t __tvm_ffi_scale(void* self, const void* args, int32_t count, void* result) {
  (void)self;
  return dovetail_ffi_factory(&kScale, args, count, result);
}
EXPORT int32_t __tvm_ffi_add(void* self, const void* args, int32_t count, void* result) {
  (void)self;
  return dovetail_ffi_factory(&kAdd, args, count, result);
}
EXPORT int32_t __tvm_ffi_shift(void* self, const void* args, int32_t count, void* result) {
  (void)self;
  return dovetail_ffi_factory(&kShift, args, count, result);
}
EXPORT int32_t __tvm_ffi_default(void* self, const void* args, int32_t count, void* result) {
  (void)self;
  return dovetail_ffi_factory(&kScale, args, count, result);
}
EXPORT int32_t scale_function(void* self, const void* args, int32_t count,
                              void* result) __asm__("__tvm_ffi_scale.run");
int32_t scale_function(void* self, const void* args, int32_t count, void* result) {
  (void)self;
  return dovetail_ffi_run(&kScale, args, count, result);
}
EXPORT int32_t add_function(void* self, const void* args, int32_t count,
                            void* result) __asm__("__tvm_ffi_add.run");
int32_t add_function(void* self, const void* args, int32_t count, void* result) {
  (void)self;
  return dovetail_ffi_run(&kAdd, args, count, result);
}
EXPORT int32_t library_function(void* self, const void* args, int32_t count,
                                void* result) __asm__("__tvm_ffi_dovetail.library");
int32_t library_function(void* self, const void* args, int32_t count, void* result) {
  (void)self;
  return dovetail_ffi_library(&specimen_library, args, count, result);
}
#endif
