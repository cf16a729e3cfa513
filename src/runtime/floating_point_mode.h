// The calling thread's rounding and denormal mode, to be taken over by the workers it employs.
#pragma once

#include <cstdint>

#if defined(__x86_64__) || defined(__i386__)
#include <xmmintrin.h>
#endif

namespace dovetail::runtime {

#if defined(__x86_64__) || defined(__i386__)

// Without the exception flags, which are results and not a mode.
inline uint64_t floating_point_mode() { return _mm_getcsr() & ~0x3fu; }
inline void set_floating_point_mode(uint64_t mode) { _mm_setcsr(static_cast<uint32_t>(mode)); }

#elif defined(__aarch64__)

inline uint64_t floating_point_mode() {
  uint64_t mode;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
inline void set_floating_point_mode(uint64_t mode) { __asm__ volatile("msr fpcr, %0" ::"r"(mode)); }

#else
#error "say here how this machine's rounding mode is read and set"
#endif

}  // namespace dovetail::runtime
