/* A host in plain C that uses every function of dv_api on the specimen and checks what comes back.
 * Prints "passed" or the first check that fails. */
#include <dovetail/abi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const dv_library specimen_library;

#define CHECK(condition)                             \
  do {                                               \
    if (!(condition)) {                              \
      printf("line %d: %s\n", __LINE__, #condition); \
      exit(1);                                       \
    }                                                \
  } while (0)
#define EXPECT_ERROR(call, kind, text)                                     \
  do {                                                                     \
    int32_t status = (call);                                               \
    if (status != (kind) || strcmp(error.message, (text)) != 0) {          \
      printf("line %d: status %d: %s\n", __LINE__, status, error.message); \
      exit(1);                                                             \
    }                                                                      \
    CHECK(error.code == (kind));                                           \
  } while (0)

/* An allocator that counts and fails on demand. */
typedef struct {
  int live, allocations, fail_at;
} Memory;

static void* counted_alloc(void* self, size_t bytes, size_t alignment) {
  Memory* memory = (Memory*)self;
  void* result = NULL;
  if (++memory->allocations == memory->fail_at) return NULL;
  if (posix_memalign(&result, alignment < sizeof(void*) ? sizeof(void*) : alignment,
                     bytes ? bytes : 1))
    return NULL;
  ++memory->live;
  return result;
}

static void counted_free(void* self, void* pointer) {
  if (pointer) --((Memory*)self)->live;
  free(pointer);
}

static int chunks_seen;
static void backwards(void* self, dv_task task, void* arg, int64_t chunks) {
  (void)self;
  for (int64_t chunk = chunks; chunk-- > 0;) {
    ++chunks_seen;
    task(arg, chunk, (int32_t)(chunk % 2));
  }
}

static dv_host host_of(Memory* memory) {
  dv_host host = {sizeof(dv_host), 1, memory, counted_alloc, counted_free, NULL, WIDE};
  return host;
}

static dv_tensor tensor_of(float* data, int64_t* shape, int32_t ndim) {
  dv_tensor tensor = {data, {DV_CPU, 0}, ndim, {DV_FLOAT, 32, 1}, shape, NULL, 0};
  return tensor;
}

static const dv_model* scale(void) { return specimen_library.models[0]; }
static const dv_model* add(void) { return specimen_library.models[1]; }
static const dv_model* shift(void) { return specimen_library.models[2]; }

static void runs_and_grows(void) {
  const dv_api* api = specimen_library.api;
  Memory memory = {0, 0, 0};
  dv_host host = host_of(&memory);
  dv_context* context = NULL;
  dv_error error;
  CHECK(api->create(scale(), &host, &context, &error) == DV_OK);
  CHECK(api->model(context) == scale() && api->variant(context) == &scale()->variants[0]);
  for (int64_t batch = 1; batch <= 8; batch += 3) {
    float x[32];
    int64_t shape[] = {batch, 4};
    dv_tensor in = tensor_of(x, shape, 2), out;
    for (int i = 0; i < 32; ++i) x[i] = (float)i;
    CHECK(api->set_input(context, 0, &in, &error) == DV_OK);
    memset(x, 0, sizeof x); /* it was copied */
    CHECK(api->run(context, &error) == DV_OK);
    CHECK(api->get_output(context, 0, &out, &error) == DV_OK);
    CHECK(out.ndim == 2 && out.shape[0] == batch && out.shape[1] == 4);
    const float* y = (const float*)((const char*)out.data + out.byte_offset);
    for (int64_t i = 0; i < batch; ++i) {
      CHECK(y[4 * i] == (float)(4 * i) && y[4 * i + 1] == -2.0f * (float)(4 * i + 1));
      CHECK(y[4 * i + 2] == 0.5f * (float)(4 * i + 2) &&
            y[4 * i + 3] == 10.0f * (float)(4 * i + 3));
    }
  }
  /* A run of known shape allocates nothing. */
  const int before = memory.allocations;
  CHECK(api->run(context, &error) == DV_OK && memory.allocations == before);
  api->destroy(context);
  api->destroy(NULL);
  CHECK(memory.live == 0);
}

static void takes_strides_and_lends_memory(void) {
  const dv_api* api = specimen_library.api;
  Memory memory = {0, 0, 0};
  dv_host host = host_of(&memory);
  dv_context* context = NULL;
  dv_error error;
  host.parallel_for = backwards;
  host.max_workers = 2;
  CHECK(api->create(scale(), &host, &context, &error) == DV_OK);
  float wide[16], y[8] = {0}, copied[16] = {0};
  for (int i = 0; i < 16; ++i) wide[i] = (float)i;
  int64_t shape[] = {2, 4}, columns[] = {1, 2}, spread[] = {8, 2};
  dv_tensor x = tensor_of(wide, shape, 2), out = tensor_of(y, shape, 2),
            into = tensor_of(copied, shape, 2), view;
  x.strides = columns; /* a transposed 4 x 2 */
  CHECK(api->set_input(context, 0, &x, &error) == DV_OK);
  CHECK(api->set_output_zero_copy(context, 0, &out, &error) == DV_OK);
  chunks_seen = 0;
  CHECK(api->run(context, &error) == DV_OK && chunks_seen == 2);
  CHECK(y[0] == 0 && y[1] == -4 && y[4] == 1 && y[5] == -6);
  CHECK(api->get_output(context, 0, &view, &error) == DV_OK && view.data == y);
  into.strides = spread;
  CHECK(api->copy_output(context, 0, &into, &error) == DV_OK);
  CHECK(copied[0] == y[0] && copied[2] == y[1] && copied[8] == y[4] && copied[1] == 0);
  x.strides = NULL;
  CHECK(api->set_input_zero_copy(context, 0, &x, &error) == DV_OK);
  wide[0] = 7;
  CHECK(api->run(context, &error) == DV_OK && y[0] == 7);
  CHECK(api->get_input(context, 0, &view, &error) == DV_OK && view.data == wide);
  CHECK(api->set_output_zero_copy(context, 0, NULL, &error) == DV_OK);
  CHECK(api->run(context, &error) == DV_OK);
  CHECK(api->get_output(context, 0, &view, &error) == DV_OK && view.data != y);
  api->destroy(context);
  CHECK(memory.live == 0);
}

typedef struct {
  int steps, stop;
  int64_t flops, bytes;
  float first[4];
} Watched;

static int64_t amount(const dv_call* call, dv_amount value) {
  return value >= 0 ? value : call->values[-1 - value];
}

static int32_t watch(void* self, const dv_call* call, int32_t step) {
  Watched* watched = (Watched*)self;
  const dv_variant* variant = &scale()->variants[0];
  const dv_step* row = &variant->steps[step];
  const dv_result* rows = &variant->results[row->first_result];
  CHECK(row->num_results == 2 && rows->memory == DV_MEMORY_WORKSPACE && rows->ndim == 2);
  CHECK(amount(call, variant->amounts[rows->extents]) == 2);
  CHECK(amount(call, variant->amounts[rows->extents + 2]) == 4);
  memcpy(watched->first, call->workspace + amount(call, rows->offset), sizeof watched->first);
  watched->flops = amount(call, row->flops);
  watched->bytes = amount(call, row->bytes);
  ++watched->steps;
  return watched->stop;
}

static void tells_an_observer(void) {
  const dv_api* api = specimen_library.api;
  Memory memory = {0, 0, 0};
  dv_host host = host_of(&memory);
  dv_context* context = NULL;
  dv_error error;
  Watched watched = {0, 0, 0, 0, {0}};
  dv_observer observer = {sizeof(dv_observer), 0, &watched, watch};
  CHECK(api->create(scale(), &host, &context, &error) == DV_OK);
  float x[8] = {1, 1, 1, 1};
  int64_t shape[] = {2, 4};
  dv_tensor in = tensor_of(x, shape, 2), out;
  EXPECT_ERROR(api->run_observed(context, &observer, &error), DV_STATE_ERROR, NOT_SET);
  CHECK(api->set_input(context, 0, &in, &error) == DV_OK);
  CHECK(api->run_observed(context, &observer, &error) == DV_OK && watched.steps == 1);
  CHECK(watched.flops == 8 && watched.bytes == 64 && watched.first[3] == 10.0f);
  CHECK(api->get_output(context, 0, &out, &error) == DV_OK);
  watched.stop = 1;
  CHECK(api->run_observed(context, &observer, &error) == DV_OK && watched.steps == 2);
  EXPECT_ERROR(api->get_output(context, 0, &out, &error), DV_STATE_ERROR, NOT_RUN);
  CHECK(api->run(context, &error) == DV_OK && watched.steps == 2);
  observer.after_step = NULL;
  EXPECT_ERROR(api->run_observed(context, &observer, &error), DV_VALUE_ERROR, NO_OBSERVER);
  EXPECT_ERROR(api->run_observed(context, NULL, &error), DV_VALUE_ERROR, NO_OBSERVER);
  api->destroy(context);
  CHECK(memory.live == 0);
}

static void refuses_with_one_sentence(void) {
  const dv_api* api = specimen_library.api;
  Memory memory = {0, 0, 0};
  dv_host host = host_of(&memory);
  dv_context* context = NULL;
  dv_error error;
  dv_tensor view;
  CHECK(api->create(scale(), &host, &context, &error) == DV_OK);
  float data[64] = {0};
  int64_t narrow[] = {2, 3}, good[] = {2, 4}, many[] = {9, 4}, flat[] = {4};
  dv_tensor tensor = tensor_of(data, narrow, 2);
  EXPECT_ERROR(api->run(context, &error), DV_STATE_ERROR, NOT_SET);
  EXPECT_ERROR(api->get_output(context, 0, &view, &error), DV_STATE_ERROR, NOT_RUN);
  EXPECT_ERROR(api->set_input(context, 0, &tensor, &error), DV_VALUE_ERROR,
               "input 'x' has shape [2,3], expected [batch,4]");
  tensor = tensor_of(data, flat, 1);
  EXPECT_ERROR(api->set_input(context, 0, &tensor, &error), DV_VALUE_ERROR,
               "input 'x' has shape [4], expected [batch,4]");
  tensor = tensor_of(data, good, 2);
  tensor.dtype.bits = 64;
  EXPECT_ERROR(api->set_input(context, 0, &tensor, &error), DV_TYPE_ERROR,
               "input 'x' has dtype float64, expected float32");
  tensor = tensor_of(data, many, 2);
  EXPECT_ERROR(api->set_input(context, 0, &tensor, &error), DV_VALUE_ERROR,
               "dim 'batch' is 9 in input 'x' (axis 0); this library was built for 1..8");
  api->destroy(context);
  /* Extents of one dimension must agree. */
  CHECK(api->create(add(), &host, &context, &error) == DV_OK);
  int64_t two[] = {2, 3}, three[] = {3, 3};
  dv_tensor a = tensor_of(data, two, 2), b = tensor_of(data, three, 2);
  CHECK(api->set_input(context, 0, &a, &error) == DV_OK &&
        api->set_input(context, 1, &b, &error) == DV_OK);
  EXPECT_ERROR(api->run(context, &error), DV_VALUE_ERROR,
               "dim 'n' is 2 in input 'a' (axis 0) but 3 in input 'b' (axis 0)");
  /* An empty tensor is fine. */
  int64_t none[] = {0, 3};
  a = tensor_of(NULL, none, 2);
  CHECK(api->set_input(context, 0, &a, &error) == DV_OK &&
        api->set_input(context, 1, &a, &error) == DV_OK);
  CHECK(api->run(context, &error) == DV_OK);
  CHECK(api->get_output(context, 0, &view, &error) == DV_OK && view.shape[0] == 0);
  api->destroy(context);
  CHECK(memory.live == 0);
}

static void chooses_what_the_cpu_can_run(void) {
  const dv_api* api = specimen_library.api;
  Memory memory = {0, 0, 0};
  dv_host host = host_of(&memory);
  dv_context* context = NULL;
  dv_error error;
  host.cpu_features = OTHER; /* something, but not what the wide variant needs */
  CHECK(api->create(scale(), &host, &context, &error) == DV_OK);
  CHECK(api->variant(context) == &scale()->variants[1]);
  api->destroy(context);
  EXPECT_ERROR(api->create(add(), &host, &context, &error), DV_RUNTIME_ERROR, LACKING);
  CHECK(memory.live == 0);
}

static void survives_a_host_without_memory(void) {
  const dv_api* api = specimen_library.api;
  for (int fail_at = 1; fail_at < 50; ++fail_at) {
    Memory memory = {0, 0, fail_at};
    dv_host host = host_of(&memory);
    dv_context* context = NULL;
    dv_error error;
    float x[8] = {0};
    int64_t shape[] = {2, 4};
    dv_tensor in = tensor_of(x, shape, 2);
    int32_t status = api->create(scale(), &host, &context, &error);
    if (status == DV_OK) status = api->set_input(context, 0, &in, &error);
    if (status == DV_OK) status = api->run(context, &error);
    const int done = status == DV_OK;
    CHECK(done || status == DV_MEMORY_ERROR);
    if (context) api->destroy(context);
    CHECK(memory.live == 0);
    if (done) return; /* every allocation has failed once */
  }
  CHECK(!"more than 50 allocations for one run");
}

/* The params of `shift`, as load_params would take them. */
typedef struct {
  float bias[8];
  float unused[2];
  int64_t axes[2];
  int64_t extents[2];
  int64_t stride;
  dv_tensor tensors[3];
  const dv_tensor* table[3];
} Params;

static void fill_params(Params* params, float first) {
  for (int i = 0; i < 8; ++i) params->bias[i] = first + (float)i;
  params->unused[0] = params->unused[1] = 0;
  params->axes[0] = 0;
  params->axes[1] = 1;
  params->extents[0] = 4;
  params->extents[1] = 2;
  params->tensors[0] = tensor_of(params->bias, &params->extents[0], 1);
  params->tensors[1] = tensor_of(params->unused, &params->extents[1], 1);
  params->tensors[2] = params->tensors[1];
  params->tensors[2].data = params->axes;
  params->tensors[2].dtype.code = DV_INT;
  params->tensors[2].dtype.bits = 64;
  for (int i = 0; i < 3; ++i) params->table[i] = &params->tensors[i];
}

static void shifts_by(const dv_api* api, dv_context* context, float first) {
  float x[4] = {1, 2, 3, 4};
  int64_t extent = 4;
  dv_tensor in = tensor_of(x, &extent, 1);
  dv_tensor out;
  dv_error error;
  CHECK(api->set_input(context, 0, &in, &error) == DV_OK);
  CHECK(api->run(context, &error) == DV_OK);
  CHECK(api->get_output(context, 0, &out, &error) == DV_OK);
  for (int i = 0; i < 4; ++i) {
    CHECK(((float*)out.data)[i] == x[i] + 2 * (first + (float)i) + 1);
  }
}

static void prepares_params_that_contexts_share(void) {
  const dv_api* api = specimen_library.api;
  static _Alignas(DV_ALIGNMENT) float old[4], new[4];
  Memory memory = {0, 0, 0};
  dv_host host = host_of(&memory);
  dv_context *a = NULL, *b = NULL;
  dv_error error;
  Params params;
  CHECK(shift()->prepare->weights_size == sizeof old);
  fill_params(&params, 5);
  CHECK(api->prepare_params(shift(), &host, params.table, (uint8_t*)old, &error) == DV_OK);
  host.parallel_for = backwards;
  host.max_workers = 2;
  fill_params(&params, 7);
  params.table[2] = NULL; /* a frozen value may be left out */
  CHECK(api->prepare_params(shift(), &host, params.table, (uint8_t*)new, &error) == DV_OK);
  CHECK(memory.live == 0);
  CHECK(api->create(shift(), &host, &a, &error) == DV_OK);
  CHECK(api->create(shift(), &host, &b, &error) == DV_OK);
  EXPECT_ERROR(api->run(a, &error), DV_STATE_ERROR, NO_PARAMS);
  CHECK(api->set_params(a, (uint8_t*)old, &error) == DV_OK);
  CHECK(api->set_params(b, (uint8_t*)old, &error) == DV_OK);
  shifts_by(api, a, 5);
  CHECK(api->set_params(b, (uint8_t*)new, &error) == DV_OK);
  shifts_by(api, a, 5);
  shifts_by(api, b, 7);
  EXPECT_ERROR(api->set_params(a, NULL, &error), DV_VALUE_ERROR,
               "the memory of the prepared params is NULL, expected an address");
  EXPECT_ERROR(api->set_params(a, (uint8_t*)old + 4, &error), DV_VALUE_ERROR,
               "the memory of the prepared params lies at an address that is no multiple of 64");
  api->destroy(a);
  api->destroy(b);
  CHECK(memory.live == 0);
}

static void prepares_from_any_strides(void) {
  const dv_api* api = specimen_library.api;
  static _Alignas(DV_ALIGNMENT) float prepared[4];
  Memory memory = {0, 0, 0};
  dv_host host = host_of(&memory);
  dv_error error;
  Params params;
  fill_params(&params, 5);
  params.stride = 2;
  params.tensors[0].strides = &params.stride;
  params.tensors[0].byte_offset = sizeof(float);
  CHECK(api->prepare_params(shift(), &host, params.table, (uint8_t*)prepared, &error) == DV_OK);
  for (int i = 0; i < 4; ++i) CHECK(prepared[i] == 2 * params.bias[1 + 2 * i] + 1);
  params.tensors[0].strides = NULL;
  params.tensors[0].byte_offset = 2; /* no multiple of its element */
  CHECK(api->prepare_params(shift(), &host, params.table, (uint8_t*)prepared, &error) == DV_OK);
  for (int fail_at = 1; fail_at <= 2; ++fail_at) {
    Memory failing = {0, 0, fail_at};
    host.self = &failing;
    CHECK(api->prepare_params(shift(), &host, params.table, (uint8_t*)prepared, &error) ==
          DV_MEMORY_ERROR);
    CHECK(failing.live == 0);
  }
  EXPECT_ERROR(api->prepare_params(scale(), &host, NULL, (uint8_t*)prepared, &error),
               DV_STATE_ERROR, PACKAGED);
}

static void names_every_fault_of_params(void) {
  const dv_api* api = specimen_library.api;
  static _Alignas(DV_ALIGNMENT) float prepared[4] = {1, 2, 3, 4};
  Memory memory = {0, 0, 0};
  dv_host host = host_of(&memory);
  dv_error error;
  Params params;
  int32_t next = 0;
  fill_params(&params, 5);
  CHECK(api->check_params(shift(), params.table, &next, &error) == DV_OK && next == 3);
  params.tensors[0].dtype.bits = 64;
  params.table[1] = NULL;
  params.axes[1] = 2;
  EXPECT_ERROR(
      api->prepare_params(shift(), &host, params.table, (uint8_t*)prepared, &error), DV_VALUE_ERROR,
      "param 'bias' has dtype float64, expected float32; param 'unused' is missing; " FROZEN);
  next = 0;
  EXPECT_ERROR(api->check_params(shift(), params.table, &next, &error), DV_TYPE_ERROR,
               "param 'bias' has dtype float64, expected float32");
  EXPECT_ERROR(api->check_params(shift(), params.table, &next, &error), DV_VALUE_ERROR,
               "param 'unused' is missing");
  EXPECT_ERROR(api->check_params(shift(), params.table, &next, &error), DV_VALUE_ERROR, FROZEN);
  CHECK(api->check_params(shift(), params.table, &next, &error) == DV_OK);
  params.axes[0] = 1; /* read backwards it is as it was */
  params.axes[1] = 0;
  params.stride = -1;
  params.tensors[2].strides = &params.stride;
  params.tensors[2].byte_offset = sizeof(int64_t);
  params.extents[0] = 3;
  params.tensors[0].dtype.bits = 32;
  EXPECT_ERROR(api->prepare_params(shift(), &host, params.table, (uint8_t*)prepared, &error),
               DV_VALUE_ERROR,
               "param 'bias' has shape [3], expected [4]; param 'unused' is missing");
  CHECK(prepared[0] == 1 && memory.allocations == 0);
}

int main(void) {
  CHECK(memcmp(specimen_library.magic, DV_MAGIC, 8) == 0 &&
        specimen_library.abi_version == DV_ABI_VERSION);
  runs_and_grows();
  takes_strides_and_lends_memory();
  tells_an_observer();
  refuses_with_one_sentence();
  chooses_what_the_cpu_can_run();
  survives_a_host_without_memory();
  prepares_params_that_contexts_share();
  prepares_from_any_strides();
  names_every_fault_of_params();
  printf("passed\n");
  return 0;
}
