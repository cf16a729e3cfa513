# dovetail_add_model(TARGET MODEL.onnx [NAME name] [SHARED] [OPTIONS option...])
#
# Compiles the model when the project is built. A target that links TARGET can include "NAME.h", the
# typed header, and gets the model's code: in the program (the default: a static archive) or, with
# SHARED, in libTARGET.so. NAME is the model's name, TARGET where it is left out; OPTIONS go to
# `dovetail build` as they are (--cpu, --dim, --shape, --target). The file's path is in the target
# property DOVETAIL_LIBRARY.
function(dovetail_add_model target model)
  cmake_parse_arguments(PARSE_ARGV 2 arg "SHARED" "NAME" "OPTIONS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "dovetail_add_model(${target}): unknown arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_NAME)
    set(arg_NAME "${target}")
  endif()
  get_filename_component(model "${model}" ABSOLUTE)
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/${target}.dovetail")
  set(suffix ".a")
  if(arg_SHARED)
    set(suffix ".so")
  endif()
  set(library "${folder}/lib${target}${suffix}")
  set(header "${folder}/${arg_NAME}.h")
  file(MAKE_DIRECTORY "${folder}")
  add_custom_command(
    OUTPUT "${library}" "${header}"
    COMMAND Dovetail::dovetail build "${model}" -o "${library}" --header "${header}"
            --name "${arg_NAME}" ${arg_OPTIONS}
    DEPENDS "${model}" Dovetail::dovetail
    COMMENT "Compiling model ${target}" VERBATIM)
  add_custom_target(${target}_build DEPENDS "${library}" "${header}")
  add_library(${target} INTERFACE)
  add_dependencies(${target} ${target}_build)
  target_include_directories(${target} INTERFACE "${folder}")
  target_link_libraries(${target} INTERFACE "${library}")
  set_target_properties(${target} PROPERTIES DOVETAIL_LIBRARY "${library}")
endfunction()
