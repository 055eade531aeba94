// Package mapping is the rule language that turns what an identity provider says of
// someone (an assertion) into who that is here: a user, groups, projects with roles.
//
// Parse checks a mapping's rules and makes them ready, once; Mapping.Apply is a pure
// function of an assertion. The language has three versions: 2.0 lets projects and
// users have the domain of their rule, 3.0 takes projects from an attribute in JSON.
//
// Two points are narrower than in the original on purpose. Regular expressions are
// RE2's, and one that cannot be compiled is refused with the mapping. A value of an
// assertion is never read as a list, however it is written: only an attribute with
// several values is several.
package mapping
