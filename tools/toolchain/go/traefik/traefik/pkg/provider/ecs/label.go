// What upstream has here is part of what ecs.go leaves out.

package ecs
