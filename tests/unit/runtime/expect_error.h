// Errors compared whole.
#pragma once

#include <dovetail/error.h>
#include <gtest/gtest.h>

#include <string>

namespace dovetail {

template <class Work>
void expect_error(ErrorKind kind, const std::string& message, const Work& work) {
  try {
    work();
    ADD_FAILURE() << "no error, expected: " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind);
    EXPECT_EQ(error.what(), message);
  }
}

}  // namespace dovetail
