// Throwing dovetail::Error with formatted text.
#pragma once

#include <dovetail/error.h>
#include <fmt/core.h>

#include <utility>

namespace dovetail {

// throw_error(ErrorKind::kValue, "{} has {} dimensions, expected {}", name, got, want);
template <class... Args>
[[noreturn]] void throw_error(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(kind, fmt::format(format, std::forward<Args>(args)...));
}

// An invariant of ours: the message names what was broken. Never for user input.
#define DOVETAIL_CHECK(condition, ...)                                                        \
  do {                                                                                        \
    if (!(condition)) ::dovetail::throw_error(::dovetail::ErrorKind::kInternal, __VA_ARGS__); \
  } while (false)

}  // namespace dovetail
