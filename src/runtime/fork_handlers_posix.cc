#include <pthread.h>

#include "base/error.h"
#include "runtime/fork_handlers.h"

namespace dovetail::runtime {

void at_fork(void (*prepare)(), void (*parent)(), void (*child)()) {
  if (pthread_atfork(prepare, parent, child) != 0) {
    throw_error(ErrorKind::kMemory, "no memory for the handlers of fork()");
  }
}

}  // namespace dovetail::runtime
