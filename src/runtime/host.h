// What an executor gets from this process: memory, threads, CPU features.
#pragma once

#include <dovetail/abi.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

namespace dovetail::runtime {

// One per context, used by one thread at a time; stays where it was made.
class Host {
 public:
  explicit Host(int max_workers);
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  const dv_host* get() const { return &host_; }
  // Uses at most this many of the workers from now on; takes effect at once.
  void limit_workers(int limit) { worker_limit_ = limit; }
  // The block that `address` lies in, null if none: who holds it may read the block even after the
  // context has freed it.
  std::shared_ptr<const void> block_at(const void* address) const;

 private:
  struct Block {
    std::shared_ptr<void> memory;
    size_t bytes = 0;
  };

  static void* alloc(void* self, size_t bytes, size_t alignment);
  static void free(void* self, void* memory);
  static void parallel_for(void* self, dv_task task, void* arg, int64_t chunks);

  dv_host host_;
  int worker_limit_;
  std::map<uintptr_t, Block> blocks_;
};

}  // namespace dovetail::runtime
