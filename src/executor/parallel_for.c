#include <dovetail/abi.h>

void dovetail_parallel_for(const dv_call* call, dv_task task, void* arg, int64_t chunks) {
  const dv_host* host = call->host;
  if (host->parallel_for && host->max_workers > 1 && chunks > 1) {
    host->parallel_for(host->self, task, arg, chunks);
    return;
  }
  for (int64_t chunk = 0; chunk < chunks; ++chunk) task(arg, chunk, 0);
}
