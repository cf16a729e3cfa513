// The executor (src/executor), compiled for every target family when Dovetail was built.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace dovetail::embedded {

struct ExecutorObject {
  std::string_view family;           // "x86_64-linux-gnu", a row of cmake/Executor.cmake
  std::span<const std::byte> bytes;  // one relocatable ELF object, 16-byte aligned
};

// All families there are, in the order of the table. The bytes live as long as the program.
std::span<const ExecutorObject> executor_objects();

// The object of `family`, or an empty span when Dovetail was built without it.
inline std::span<const std::byte> executor_object(std::string_view family) {
  for (const ExecutorObject& object : executor_objects()) {
    if (object.family == family) return object.bytes;
  }
  return {};
}

}  // namespace dovetail::embedded
