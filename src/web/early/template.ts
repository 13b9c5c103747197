/** Stands for the name of the viewer in the templates of the list of people. */
export const VIEWER = '{viewer}'
