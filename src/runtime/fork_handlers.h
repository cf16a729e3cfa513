// What to do around fork(), where there is one.
#pragma once

namespace dovetail::runtime {

// `prepare` runs before each fork, then `parent` in the parent and `child` in the child.
void at_fork(void (*prepare)(), void (*parent)(), void (*child)());

}  // namespace dovetail::runtime
