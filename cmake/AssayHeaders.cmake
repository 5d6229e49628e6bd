# What nearly every file includes, read by the compiler once (a third of a build of everything).
#
#   assay_headers(NAME libraries... HEADERS headers...)   makes a set of headers
#   assay_reads(TARGET NAME)                              has a target begin with a set
#
# Only g++ in the release preset (ASSAY_HEADERS): the other builds see each file's own #include lines, so one that
# is missing is noticed there.

option(ASSAY_HEADERS "read common headers once (g++ without sanitizers)" OFF)

function(assay_headers name)
  cmake_parse_arguments(SET "" "" "HEADERS" ${ARGN})
  if(ASSAY_HEADERS)
    set(file ${PROJECT_BINARY_DIR}/${name}.cc)
    file(CONFIGURE OUTPUT ${file} CONTENT "// Only the headers.\n")
    add_library(${name} OBJECT ${file})
    target_link_libraries(${name} PRIVATE ${SET_UNPARSED_ARGUMENTS})
    target_precompile_headers(${name} PRIVATE ${SET_HEADERS})
  endif()
endfunction()

function(assay_reads target name)
  if(ASSAY_HEADERS)
    target_precompile_headers(${target} REUSE_FROM ${name})
  endif()
endfunction()
