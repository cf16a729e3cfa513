// What each side does `count` times in a row. The functions do nothing, but take their arguments
// for what they are: an int is asked to be one.
#pragma once

#include <functional>

struct Side {
  std::function<void(int count)> no_arguments;
  std::function<void(int count)> three_integers;
  std::function<void(int count)> three_tensors;
};

Side dovetail_side();
Side tvm_ffi_side();

// A packed function of a library, called through tvm_ffi without arguments.
std::function<void(int count)> library_function(const char* library, const char* name);
