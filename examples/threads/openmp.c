/* A model on the threads of OpenMP: the host's parallel_for is a loop of the program's own.
 *
 *   dovetail build mlp.onnx -o mlp.o --header mlp.h && gcc -fopenmp openmp.c mlp.o
 */
#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "mlp.h"

enum { BATCH = 512 };

/* Called by run once for each part of the model that is worth sharing. `worker` tells apart what
 * runs at the same time, so it is the number of the thread. */
static void openmp_for(void* self, dv_task task, void* arg, int64_t chunks) {
  int64_t chunk;
  ++*(int*)self;
#pragma omp parallel for schedule(dynamic)
  for (chunk = 0; chunk < chunks; ++chunk) task(arg, chunk, omp_get_thread_num());
}

static int run(const dv_host* host, const float* x, float* y) {
  dv_context* context = NULL;
  dv_error error;
  if (mlp_create(&mlp_library, host, &context, &error) != DV_OK ||
      mlp_run(&mlp_library, context, BATCH, x, y, &error) != DV_OK) {
    fprintf(stderr, "%s\n", error.message);
    return 1;
  }
  mlp_destroy(&mlp_library, context);
  return 0;
}

int main(void) {
  static float x[BATCH * 64], serial[BATCH * 64], shared[BATCH * 64];
  int calls = 0, i;
  dv_host host = dovetail_malloc_host();
  for (i = 0; i < BATCH * 64; ++i) x[i] = (float)(i % 101) / 101 - 0.5f;
  if (run(&host, x, serial) != 0) return 1;
  host.self = &calls;
  host.parallel_for = openmp_for;
  host.max_workers = omp_get_max_threads();
  if (run(&host, x, shared) != 0) return 1;
  printf("%d shared loops, %s bits\n", calls,
         memcmp(serial, shared, sizeof serial) == 0 ? "the same" : "OTHER");
  return 0;
}
