# dovetail_folder(NAME [TARGET name] [DEPENDS folder...] [PRIVATE_DEPENDS target...])
# makes the static library dovetail_NAME (or TARGET) from every .cc below src/NAME. A folder without
# sources is an interface library. PRIVATE_DEPENDS are seen by this folder alone (LLVM, lld, protobuf).
#
# X_posix.cc and X_windows.cc are pairs: only the one of the platform being built for is taken.
function(dovetail_sources result directory)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${directory}/*.cc")
  if(WIN32)
    list(FILTER sources EXCLUDE REGEX "_posix\\.cc$")
  else()
    list(FILTER sources EXCLUDE REGEX "_windows\\.cc$")
  endif()
  set(${result} "${sources}" PARENT_SCOPE)
endfunction()

function(dovetail_folder name)
  cmake_parse_arguments(arg "" "TARGET" "DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  dovetail_sources(sources "${CMAKE_SOURCE_DIR}/src/${name}")
  set(target dovetail_${name})
  if(arg_TARGET)
    set(target ${arg_TARGET})
  endif()
  list(TRANSFORM arg_DEPENDS PREPEND dovetail_)
  if(sources)
    add_library(${target} STATIC ${sources})
    target_include_directories(${target} PUBLIC "${CMAKE_SOURCE_DIR}/src"
                               "${CMAKE_SOURCE_DIR}/include")
    target_link_libraries(${target} PUBLIC ${arg_DEPENDS} dovetail_fmt
                          PRIVATE dovetail_warnings ${arg_PRIVATE_DEPENDS})
  else()
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE "${CMAKE_SOURCE_DIR}/src"
                               "${CMAKE_SOURCE_DIR}/include")
    target_link_libraries(${target} INTERFACE ${arg_DEPENDS} dovetail_fmt)
  endif()
endfunction()
