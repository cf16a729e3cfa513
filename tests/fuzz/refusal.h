// What a fuzzed function may do with bad input: refuse it by an Error in words of its own.
#pragma once

#include <dovetail/error.h>

#include <cstdio>
#include <cstdlib>

namespace dovetail::fuzz {

// Runs `work`. An internal error, or an exception of another class, ends the process as a crash.
template <class Work>
void expect_refusal_or_success(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInternal) return;
    std::fprintf(stderr, "internal error: %s\n", error.what());
    abort();
  }
}

}  // namespace dovetail::fuzz
