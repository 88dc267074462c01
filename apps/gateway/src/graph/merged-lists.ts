/** The gateway's own subgraph: lists that each service keeps for itself, shown as one. */
export const deskName = 'desk';

export const services = ['settlement', 'accounting', 'compliance'] as const;

export interface MergedList {
  /** Of the merged field. */
  name: string;
  fieldOf(service: string): string;
  description: string;
  /** The node's fields that order the list: the services order by the same. */
  order: { field: string; descending: boolean }[];
}

export const mergedLists: readonly MergedList[] = [
  {
    name: 'workItems',
    fieldOf: (service) => `${service}WorkItems`,
    description: 'Work left to people in all services, by due time.',
    order: [
      { field: 'dueAt', descending: false },
      { field: 'id', descending: false },
    ],
  },
  {
    name: 'jobRuns',
    fieldOf: (service) => `${service}JobRuns`,
    description: 'Background jobs of all services, newest first.',
    order: [
      { field: 'createdAt', descending: true },
      { field: 'id', descending: true },
    ],
  },
];
