// The one exception type of the compiler and the runtime.
#pragma once

#include <stdexcept>
#include <string>

#if defined(__GNUC__)
#define DOVETAIL_API __attribute__((visibility("default")))
#else
#define DOVETAIL_API
#endif

namespace dovetail {

// Whose fault it is and what a caller may do. The names follow the Python exceptions they become;
// the command line exits with 70 for kInternal and 1 for every other kind.
enum class ErrorKind {
  kValue,        // a shape, extent, option or file content that does not fit
  kType,         // a dtype or kind of argument that does not fit
  kKey,          // a name or index that is not there; the message lists those there are
  kMemory,       // no memory left
  kIo,           // the operating system refused; the message carries its text
  kUnsupported,  // valid input that this version cannot compile or this machine cannot run
  kState,        // a call out of order
  kInternal,     // our bug; never a user's file, shape or name
};

class DOVETAIL_API Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace dovetail
