#include "runtime/host.h"

#include <algorithm>
#include <new>

#include "runtime/cpu_features.h"
#include "runtime/process_pool.h"

namespace dovetail::runtime {
namespace {

// Which worker of which host this thread is at present.
struct Role {
  const void* host = nullptr;
  int32_t worker = 0;
};
// Within the block that a thread starts with, so that no call of the loader finds it.
thread_local Role role __attribute__((tls_model("initial-exec")));

struct Call {
  const void* host;
  dv_task task;
  void* arg;
};

void run_chunk(void* opaque, int64_t chunk, int32_t worker) {
  const Call& call = *static_cast<const Call*>(opaque);
  const Role before = role;
  role = {call.host, worker};
  call.task(call.arg, chunk, worker);
  role = before;
}

}  // namespace

Host::Host(int max_workers)
    : host_{sizeof(dv_host), max_workers, this, alloc, free, parallel_for, cpu_features()},
      worker_limit_(max_workers) {}

void* Host::alloc(void* self, size_t bytes, size_t alignment) {
  const std::align_val_t align{std::max(alignment, sizeof(void*))};
  const size_t size = std::max<size_t>(bytes, 1);
  void* memory = ::operator new(size, align, std::nothrow);
  if (!memory) return nullptr;
  try {
    std::shared_ptr<void> owner(memory, [align](void* block) { ::operator delete(block, align); });
    static_cast<Host*>(self)->blocks_.insert_or_assign(reinterpret_cast<uintptr_t>(memory),
                                                       Block{std::move(owner), size});
  } catch (const std::bad_alloc&) {
    return nullptr;  // the owner, made or not, has freed the memory
  }
  return memory;
}

void Host::free(void* self, void* memory) {
  static_cast<Host*>(self)->blocks_.erase(reinterpret_cast<uintptr_t>(memory));
}

std::shared_ptr<const void> Host::block_at(const void* address) const {
  const auto place = reinterpret_cast<uintptr_t>(address);
  auto next = blocks_.upper_bound(place);
  if (next == blocks_.begin()) return nullptr;
  const auto& [begin, block] = *--next;
  return place - begin < block.bytes ? block.memory : nullptr;
}

void Host::parallel_for(void* self, dv_task task, void* arg, int64_t chunks) {
  Call call{self, task, arg};
  const auto serially = [&](int32_t worker) {
    for (int64_t chunk = 0; chunk < chunks; ++chunk) run_chunk(&call, chunk, worker);
  };
  // Called from one of its own chunks: the other workers' indices may be in use.
  if (role.host == self) return serially(role.worker);
  const Host& host = *static_cast<Host*>(self);
  const int max_workers = std::min(host.host_.max_workers, host.worker_limit_);
  if (max_workers > 1 && chunks > 1 &&
      process_pool()->try_run(run_chunk, &call, chunks, max_workers)) {
    return;
  }
  serially(0);
}

}  // namespace dovetail::runtime
