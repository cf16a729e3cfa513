/* The model is part of the program. */
#include <stdio.h>

#include "mlp.h"

int main(void) {
  static float x[2 * 64], y[2 * 64];
  dv_host host = dovetail_malloc_host();
  dv_context* context = NULL;
  dv_error error;
  if (mlp_create(&mlp_library, &host, &context, &error) != DV_OK ||
      mlp_run(&mlp_library, context, 2, x, y, &error) != DV_OK) {
    fprintf(stderr, "%s\n", error.message);
    return 1;
  }
  printf("%f\n", y[0]);
  mlp_destroy(&mlp_library, context);
  return 0;
}
