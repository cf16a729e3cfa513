# The text of include/dovetail/abi.h inside the compiler: typed headers start with it.
set(header "${CMAKE_SOURCE_DIR}/include/dovetail/abi.h")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${header}")
file(READ "${header}" ABI_HEADER)
set(generated "${CMAKE_BINARY_DIR}/generated/abi_header.cc")
configure_file("${CMAKE_CURRENT_LIST_DIR}/abi_header.cc.in" "${generated}" @ONLY)
target_sources(dovetail_compiler PRIVATE "${generated}")
