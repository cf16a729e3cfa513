// The one thread pool of the process.
#pragma once

#include <memory>

#include "runtime/thread_pool.h"

namespace dovetail::runtime {

// Made on demand, of num_threads() workers; a forked child makes its own. Hold the result while
// using it: set_num_threads() replaces the pool.
std::shared_ptr<ThreadPool> process_pool();

// kValue unless there may be this many threads.
void check_num_threads(int threads);

}  // namespace dovetail::runtime
